using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Mta.Storage;

namespace Mta.Services.Maps.Ldap;

/// <summary>An attribute of an entry, with its values in the server's order.</summary>
internal sealed record LdapAttribute(string Name, List<string> Values);

/// <summary>A connection to an LDAP server: bound, and asked by one thread at a time. Its methods block, and throw <see cref="StorageException"/>.</summary>
internal sealed class LdapSession : IDisposable
{
    private readonly LdapTableConfig config;
    private nint session;

    private LdapSession(LdapTableConfig config, nint session)
    {
        this.config = config;
        this.session = session;
    }

    /// <summary>Connects and binds.</summary>
    public static LdapSession Open(LdapTableConfig config)
    {
        nint handle;
        try
        {
            Check(LibLdap.Initialize(out handle, string.Join(' ', config.Servers)), "connect to server");
        }
        catch (DllNotFoundException e)
        {
            throw new StorageException(StorageFailure.Fatal, "ldap tables need OpenLDAP's client library: apt-get install libldap-2.5-0", e);
        }

        var session = new LdapSession(config, handle);
        try
        {
            session.Configure();
            session.Bind();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The attributes of the entries found, those that were asked for; an empty list when the base does not exist.</summary>
    /// <param name="scope">0 for the entry itself, 1 for those below it, 2 for both and all below.</param>
    public List<List<LdapAttribute>> Search(string searchBase, int scope, string filter, IReadOnlyList<string> attributes, out bool baseIsMissing)
    {
        using var names = new NativeTexts(attributes);
        var error = LibLdap.Search(session, searchBase, scope, filter, names.Pointer, 0, 0, 0, new LibLdap.TimeValue(config.Timeout), config.SizeLimit, out var result);
        try
        {
            baseIsMissing = error == LibLdap.NoSuchObject;
            if (baseIsMissing)
            {
                return [];
            }

            if (error == LibLdap.SizeLimitExceeded)
            {
                throw new StorageException(StorageFailure.Fatal, string.Create(CultureInfo.InvariantCulture, $"more than size_limit = {config.SizeLimit} entries for {filter}"));
            }

            Check(error, $"search for {filter} below {searchBase}");
            var entries = new List<List<LdapAttribute>>();
            for (var entry = LibLdap.FirstEntry(session, result); entry != 0; entry = LibLdap.NextEntry(session, entry))
            {
                entries.Add(Attributes(entry));
            }

            return entries;
        }
        finally
        {
            if (result != 0)
            {
                _ = LibLdap.FreeResult(result);
            }
        }
    }

    public void Dispose()
    {
        if (session != 0)
        {
            _ = LibLdap.Unbind(session, 0, 0);
            session = 0;
        }
    }

    private static void Check(int error, string what)
    {
        if (error != LibLdap.Success)
        {
            var failure = error is LibLdap.ServerDown or LibLdap.TimedOut or LibLdap.TimeLimitExceeded ? StorageFailure.Retry : StorageFailure.Fatal;
            throw new StorageException(failure, $"LDAP: {what}: {LibLdap.Describe(error)}");
        }
    }

    private void Configure()
    {
        Check(LibLdap.SetNumber(session, LibLdap.OptionProtocolVersion, config.Version), "version");
        Check(LibLdap.SetNumber(session, LibLdap.OptionDereference, config.Dereference), "dereference");
        Check(LibLdap.SetSwitch(session, LibLdap.OptionReferrals, config.ChaseReferrals ? 1 : 0), "chase_referrals");
        Check(LibLdap.SetTime(session, LibLdap.OptionNetworkTimeout, new LibLdap.TimeValue(config.Timeout)), "timeout");
        Check(LibLdap.SetTime(session, LibLdap.OptionTimeout, new LibLdap.TimeValue(config.Timeout)), "timeout");
        if (!config.UsesTls)
        {
            return;
        }

        SetUnlessEmpty(LibLdap.OptionTlsCaFile, config.TlsCaFile, "tls_ca_cert_file");
        SetUnlessEmpty(LibLdap.OptionTlsCaDirectory, config.TlsCaDirectory, "tls_ca_cert_dir");
        SetUnlessEmpty(LibLdap.OptionTlsCertificate, config.TlsCertificate, "tls_cert");
        SetUnlessEmpty(LibLdap.OptionTlsKey, config.TlsKey, "tls_key");
        SetUnlessEmpty(LibLdap.OptionTlsCipherSuite, config.TlsCipherSuite, "tls_cipher_suite");
        // LDAP_OPT_X_TLS_DEMAND, or NEVER.
        Check(LibLdap.SetNumber(session, LibLdap.OptionTlsRequireCertificate, config.TlsRequiresCertificate ? 2 : 0), "tls_require_cert");
        Check(LibLdap.SetNumber(session, LibLdap.OptionTlsNewContext, 0), "TLS");
        if (config.StartTls)
        {
            Check(LibLdap.StartTls(session, 0, 0), "start_tls");
        }
    }

    private void SetUnlessEmpty(int option, string value, string parameter)
    {
        if (value.Length > 0)
        {
            Check(LibLdap.SetText(session, option, value), parameter);
        }
    }

    private void Bind()
    {
        if (!config.Binds)
        {
            return;
        }

        var password = Marshal.StringToCoTaskMemUTF8(config.BindPassword);
        try
        {
            Check(LibLdap.Bind(session, config.BindName, 0, new LibLdap.Bytes(Encoding.UTF8.GetByteCount(config.BindPassword), password), 0, 0, 0), $"bind as {config.BindName}");
        }
        finally
        {
            Marshal.ZeroFreeCoTaskMemUTF8(password);
        }
    }

    private List<LdapAttribute> Attributes(nint entry)
    {
        var attributes = new List<LdapAttribute>();
        for (var name = LibLdap.FirstAttribute(session, entry, out var position); ; name = LibLdap.NextAttribute(session, entry, position))
        {
            if (name == 0)
            {
                if (position != 0)
                {
                    LibLdap.FreePosition(position, 0);
                }

                return attributes;
            }

            attributes.Add(new LdapAttribute(Marshal.PtrToStringUTF8(name)!, Values(entry, name)));
            LibLdap.FreeText(name);
        }
    }

    private List<string> Values(nint entry, nint name)
    {
        var values = new List<string>();
        var list = LibLdap.Values(session, entry, name);
        for (var at = list; at != 0 && Marshal.ReadIntPtr(at) is var value and not 0; at += nint.Size)
        {
            var bytes = Marshal.PtrToStructure<LibLdap.Bytes>(value);
            values.Add(Marshal.PtrToStringUTF8(bytes.Data, (int)bytes.Length));
        }

        if (list != 0)
        {
            LibLdap.FreeValues(list);
        }

        return values;
    }

    /// <summary>An array of texts that ends with a null pointer.</summary>
    private sealed class NativeTexts : IDisposable
    {
        private readonly nint[] texts;

        public NativeTexts(IReadOnlyList<string> values)
        {
            texts = [.. values.Select(Marshal.StringToCoTaskMemUTF8)];
            Pointer = Marshal.AllocCoTaskMem((texts.Length + 1) * nint.Size);
            Marshal.Copy(texts, 0, Pointer, texts.Length);
            Marshal.WriteIntPtr(Pointer, texts.Length * nint.Size, 0);
        }

        public nint Pointer { get; }

        public void Dispose()
        {
            Marshal.FreeCoTaskMem(Pointer);
            foreach (var text in texts)
            {
                Marshal.FreeCoTaskMem(text);
            }
        }
    }
}
