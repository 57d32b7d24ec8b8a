using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mta.Tools;

/// <summary>
/// The OpenSSL that .NET's TLS uses, for <c>postconf -T</c>. .NET finds it when it starts and says no more than its number, so that the rest
/// is asked of the library that this process has in memory by then.
/// </summary>
internal static unsafe class OpenSslLibrary
{
    /// <summary>
    /// Names of Postfix, and what OpenSSL calls the keys. These are all whose certificates SslStream can use: it has no Ed25519 and Ed448, and
    /// for what OpenSSL has and SslStream has not, a name here would promise too much.
    /// </summary>
    private static readonly (string Name, string Key)[] Algorithms = [("dsa", "DSA"), ("ecdsa", "EC"), ("rsa", "RSA")];

    /// <summary>What OpenSSL says of itself, such as <c>OpenSSL 3.0.22 25 Aug 2026</c>.</summary>
    public static string Version
    {
        get
        {
            var number = SafeEvpPKeyHandle.OpenSslVersion;
            return Find("OpenSSL_version") is var function and not 0
                ? Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<int, byte*>)function)(0))!
                // 0xMNN00PPSL, see OpenSSL_version_num(3).
                : string.Create(CultureInfo.InvariantCulture, $"OpenSSL {number >> 28}.{(number >> 20) & 0xff}.{(number >> 4) & 0xff}");
        }
    }

    /// <summary>The kinds of keys that this library has: a build or its configuration (FIPS) may leave some out.</summary>
    public static IEnumerable<string> PublicKeyAlgorithms => Algorithms.Where(a => Has(a.Key)).Select(a => a.Name);

    private static bool Has(string key)
    {
        _ = SafeEvpPKeyHandle.OpenSslVersion;
        var make = (delegate* unmanaged<nint, byte*, nint, nint>)Find("EVP_PKEY_CTX_new_from_name");
        var free = (delegate* unmanaged<nint, void>)Find("EVP_PKEY_CTX_free");
        if (make is null || free is null)
        {
            // Before 3.0 every library had all of them.
            return true;
        }

        var name = Marshal.StringToCoTaskMemUTF8(key);
        var context = make(0, (byte*)name, 0);
        Marshal.FreeCoTaskMem(name);
        if (context == 0)
        {
            return false;
        }

        free(context);
        return true;
    }

    /// <summary>A function of libcrypto; 0 where it cannot be had.</summary>
    private static nint Find(string function)
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var path = line[(line.LastIndexOf(' ') + 1)..];
            if (path.Contains("/libcrypto.so", StringComparison.Ordinal))
            {
                return NativeLibrary.TryLoad(path, out var library) && NativeLibrary.TryGetExport(library, function, out var address) ? address : 0;
            }
        }

        return 0;
    }
}
