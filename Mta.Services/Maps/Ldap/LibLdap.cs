using System.Reflection;
using System.Runtime.InteropServices;

namespace Mta.Services.Maps.Ldap;

/// <summary>The functions of OpenLDAP's client library that lookups need, as Postfix links them too. Its versions differ in the file's name only.</summary>
internal static partial class LibLdap
{
    public const int Success = 0;
    public const int TimeLimitExceeded = 3;
    public const int SizeLimitExceeded = 4;
    public const int NoSuchObject = 32;
    public const int ServerDown = -1;
    public const int TimedOut = -5;

    public const int OptionDereference = 0x02;
    public const int OptionReferrals = 0x08;
    public const int OptionProtocolVersion = 0x11;
    public const int OptionTimeout = 0x5002;
    public const int OptionNetworkTimeout = 0x5005;
    public const int OptionTlsCaFile = 0x6002;
    public const int OptionTlsCaDirectory = 0x6003;
    public const int OptionTlsCertificate = 0x6004;
    public const int OptionTlsKey = 0x6005;
    public const int OptionTlsRequireCertificate = 0x6006;
    public const int OptionTlsCipherSuite = 0x6008;
    public const int OptionTlsNewContext = 0x600f;

    private const string Library = "libldap";
    private static readonly string[] Names = ["libldap.so.2", "libldap-2.5.so.0", "libldap-2.4.so.2", "libldap"];

    static LibLdap() => NativeLibrary.SetDllImportResolver(typeof(LibLdap).Assembly, Resolve);

    [LibraryImport(Library, EntryPoint = "ldap_initialize", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Initialize(out nint session, string urls);

    [LibraryImport(Library, EntryPoint = "ldap_set_option")]
    public static partial int SetNumber(nint session, int option, in int value);

    [LibraryImport(Library, EntryPoint = "ldap_set_option")]
    public static partial int SetTime(nint session, int option, in TimeValue value);

    [LibraryImport(Library, EntryPoint = "ldap_set_option", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetText(nint session, int option, string value);

    /// <param name="isOn">A null pointer is off; whatever else it points to is on.</param>
    [LibraryImport(Library, EntryPoint = "ldap_set_option")]
    public static partial int SetSwitch(nint session, int option, nint isOn);

    [LibraryImport(Library, EntryPoint = "ldap_start_tls_s")]
    public static partial int StartTls(nint session, nint serverControls, nint clientControls);

    [LibraryImport(Library, EntryPoint = "ldap_sasl_bind_s", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Bind(nint session, string name, nint simple, in Bytes password, nint serverControls, nint clientControls, nint credentials);

    [LibraryImport(Library, EntryPoint = "ldap_search_ext_s", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Search(
        nint session, string searchBase, int scope, string filter, nint attributes, int onlyNames, nint serverControls, nint clientControls, in TimeValue limit, int sizeLimit, out nint result);

    [LibraryImport(Library, EntryPoint = "ldap_first_entry")]
    public static partial nint FirstEntry(nint session, nint result);

    [LibraryImport(Library, EntryPoint = "ldap_next_entry")]
    public static partial nint NextEntry(nint session, nint entry);

    [LibraryImport(Library, EntryPoint = "ldap_first_attribute")]
    public static partial nint FirstAttribute(nint session, nint entry, out nint position);

    [LibraryImport(Library, EntryPoint = "ldap_next_attribute")]
    public static partial nint NextAttribute(nint session, nint entry, nint position);

    [LibraryImport(Library, EntryPoint = "ldap_get_values_len")]
    public static partial nint Values(nint session, nint entry, nint attribute);

    [LibraryImport(Library, EntryPoint = "ldap_value_free_len")]
    public static partial void FreeValues(nint values);

    [LibraryImport(Library, EntryPoint = "ldap_memfree")]
    public static partial void FreeText(nint text);

    [LibraryImport(Library, EntryPoint = "ber_free")]
    public static partial void FreePosition(nint position, int freeBuffer);

    [LibraryImport(Library, EntryPoint = "ldap_msgfree")]
    public static partial int FreeResult(nint result);

    [LibraryImport(Library, EntryPoint = "ldap_unbind_ext_s")]
    public static partial int Unbind(nint session, nint serverControls, nint clientControls);

    [LibraryImport(Library, EntryPoint = "ldap_err2string")]
    private static partial nint ErrorText(int error);

    /// <summary>The library's words for an error.</summary>
    public static string Describe(int error) => Marshal.PtrToStringUTF8(ErrorText(error)) ?? "";

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
        {
            return 0;
        }

        foreach (var candidate in Names)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }

    /// <summary>struct timeval.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct TimeValue(TimeSpan time)
    {
        private readonly nint seconds = (nint)time.TotalSeconds;
        private readonly nint microseconds = 0;
    }

    /// <summary>struct berval.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Bytes(nint length, nint data)
    {
        public readonly nint Length = length;
        public readonly nint Data = data;
    }
}
