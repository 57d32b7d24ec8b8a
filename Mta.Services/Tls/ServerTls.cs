using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mta.Core.Config;

namespace Mta.Services.Tls;

/// <summary>The TLS side of a server's configuration: level, certificate and key, loaded once a snapshot.</summary>
internal sealed class ServerTls
{
    private static readonly (string Name, SslProtocols Protocol)[] Versions =
    [
        ("TLSv1.2", SslProtocols.Tls12),
        ("TLSv1.3", SslProtocols.Tls13),
    ];

    private readonly SslServerAuthenticationOptions? options;

    private ServerTls(Settings settings, SslServerAuthenticationOptions? options, string? problem)
    {
        this.options = options;
        Problem = problem;
        IsWrapper = settings.Get(Parameters.SmtpdTlsWrappermode);
        LogLevel = settings.Get(Parameters.SmtpdTlsLoglevel);
        ReceivedHeader = settings.Get(Parameters.SmtpdTlsReceivedHeader);
        var level = settings.Get(Parameters.SmtpdTlsSecurityLevel);
        IsRequired = level is "encrypt" or "fingerprint" or "verify" or "secure"
            || (level.Length == 0 && settings.Get(Parameters.SmtpdEnforceTls));
        IsEnabled = IsWrapper || IsRequired || level == "may" || (level.Length == 0 && settings.Get(Parameters.SmtpdUseTls));
    }

    /// <summary>smtpd_tls_security_level is may or encrypt.</summary>
    public bool IsEnabled { get; }

    /// <summary>Nothing but HELO and STARTTLS without TLS.</summary>
    public bool IsRequired { get; }

    /// <summary>smtpd_tls_wrappermode: TLS before the greeting.</summary>
    public bool IsWrapper { get; }

    /// <summary>A certificate is loaded, and TLS enabled.</summary>
    public bool IsAvailable => IsEnabled && options is not null;

    public int LogLevel { get; }

    /// <summary>smtpd_tls_received_header.</summary>
    public bool ReceivedHeader { get; }

    /// <summary>Why there is no certificate although one was asked for; null when all is well.</summary>
    public string? Problem { get; }

    public SslServerAuthenticationOptions Options => options ?? throw new InvalidOperationException("no certificate is loaded");

    /// <summary>
    /// Reads certificate and key. What cannot be read leaves the server without TLS, as in Postfix; the reason is <see cref="Problem"/>.
    /// </summary>
    public static ServerTls Load(Settings settings)
    {
        var level = settings.Get(Parameters.SmtpdTlsSecurityLevel);
        var wanted = level is not ("" or "none") || settings.Get(Parameters.SmtpdTlsWrappermode)
            || (level.Length == 0 && (settings.Get(Parameters.SmtpdUseTls) || settings.Get(Parameters.SmtpdEnforceTls)));
        if (!wanted)
        {
            return new ServerTls(settings, null, null);
        }

        try
        {
            return TryRead(settings, out var certificate, out var chain)
                ? new ServerTls(settings, MakeOptions(settings, certificate, chain), null)
                : new ServerTls(settings, null, "No server certs available. TLS won't be enabled");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new ServerTls(settings, null, $"cannot load server certificate and key: {e.Message}");
        }
    }

    private static bool TryRead(Settings settings, out X509Certificate2 certificate, out X509Certificate2Collection chain)
    {
        certificate = null!;
        chain = [];
        var files = settings.Get(Parameters.SmtpdTlsChainFiles).Split([' ', ',', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
        string certificates;
        string key;
        if (files.Length > 0)
        {
            certificates = key = string.Concat(files.Select(f => File.ReadAllText(f) + "\n"));
        }
        else
        {
            var (certFile, keyFile) = Files(settings);
            if (certFile.Length == 0 || certFile == "none")
            {
                return false;
            }

            certificates = File.ReadAllText(certFile);
            key = keyFile.Length == 0 || keyFile == certFile ? certificates : File.ReadAllText(keyFile);
        }

        chain.ImportFromPem(certificates);
        using var fromPem = X509Certificate2.CreateFromPem(certificates, key);

        // A key that came from PEM is usable by SslStream only after a round trip through PKCS#12 on some platforms; it costs nothing here.
        certificate = X509CertificateLoader.LoadPkcs12(fromPem.Export(X509ContentType.Pkcs12), null);
        return true;
    }

    private static (string Certificate, string Key) Files(Settings settings)
    {
        var ec = settings.Get(Parameters.SmtpdTlsEccertFile);
        return settings.Get(Parameters.SmtpdTlsCertFile) is { Length: > 0 } rsa || ec.Length == 0
            ? (settings.Get(Parameters.SmtpdTlsCertFile), settings.Get(Parameters.SmtpdTlsKeyFile))
            : (ec, settings.Get(Parameters.SmtpdTlsEckeyFile));
    }

    private static SslServerAuthenticationOptions MakeOptions(
        Settings settings, X509Certificate2 certificate, X509Certificate2Collection chain) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
        EnabledSslProtocols = Protocols(settings),
        AllowRenegotiation = false,
        ClientCertificateRequired = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    // Older versions than 1.2 are gone from the platform's defaults; a list may exclude 1.2 or 1.3.
    private static SslProtocols Protocols(Settings settings)
    {
        var required = settings.Get(Parameters.SmtpdTlsSecurityLevel) is "encrypt";
        var text = settings.Get(required ? Parameters.SmtpdTlsMandatoryProtocols : Parameters.SmtpdTlsProtocols);
        var protocols = SslProtocols.None;
        foreach (var (name, protocol) in Versions)
        {
            var excluded = text.Contains("!" + name, StringComparison.OrdinalIgnoreCase)
                || (protocol == SslProtocols.Tls12 && text.Contains(">=TLSv1.3", StringComparison.OrdinalIgnoreCase));
            protocols |= excluded ? SslProtocols.None : protocol;
        }

        return protocols;
    }
}
