using System.Security.Cryptography.X509Certificates;
using Mta.Core.Config;

namespace Mta.Services.Tls;

/// <summary>What is demanded of TLS, by growing strength; the names are those of smtp_tls_security_level.</summary>
internal enum TlsLevel : byte
{
    /// <summary>Never.</summary>
    None,
    /// <summary>When offered, with whoever answers; plaintext else.</summary>
    May,
    /// <summary>Always, with whoever answers.</summary>
    Encrypt,
    /// <summary>Always, with a certificate for smtp_tls_verify_cert_match.</summary>
    Verify,
    /// <summary>Always, with a certificate for smtp_tls_secure_cert_match.</summary>
    Secure,
}

/// <summary>The TLS parameters of smtp(8) and lmtp(8).</summary>
internal sealed class ClientTlsOptions
{
    private X509Certificate2Collection? roots;
    private X509Certificate2? certificate;

    public required TlsLevel Level { get; init; }

    /// <summary>The level as the tls= part of a log line names it; null when TLS was never wanted, or the part is not.</summary>
    public string? LogName { get; init; }

    /// <summary>A PEM file of trusted roots; empty for none.</summary>
    public string CAFile { get; init; } = "";

    /// <summary>The system's roots are trusted too.</summary>
    public bool UseSystemRoots { get; init; }

    /// <summary>The words of the cert_match parameter of the level.</summary>
    public IReadOnlyList<string> CertificateMatch { get; init; } = [];

    /// <summary>The name sent in SNI; empty for none, <c>hostname</c> or <c>nexthop</c> for those.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>From 1 on each handshake is logged.</summary>
    public int LogLevel { get; init; }

    public string CertificateFile { get; init; } = "";

    public string KeyFile { get; init; } = "";

    public static ClientTlsOptions From(Settings settings, bool lmtp)
    {
        T Pick<T>(Parameter<T> forSmtp, Parameter<T> forLmtp) => settings.Get(lmtp ? forLmtp : forSmtp);
        var level = ReadLevel(
            Pick(Parameters.SmtpTlsSecurityLevel, Parameters.LmtpTlsSecurityLevel),
            Pick(Parameters.SmtpEnforceTls, Parameters.LmtpEnforceTls),
            Pick(Parameters.SmtpTlsEnforcePeername, Parameters.LmtpTlsEnforcePeername),
            Pick(Parameters.SmtpUseTls, Parameters.LmtpUseTls));
        var match = level == TlsLevel.Secure
            ? Pick(Parameters.SmtpTlsSecureCertMatch, Parameters.LmtpTlsSecureCertMatch)
            : Pick(Parameters.SmtpTlsVerifyCertMatch, Parameters.LmtpTlsVerifyCertMatch);
        var logged = Pick(Parameters.SmtpLogTlsFeatureStatus, Parameters.LmtpLogTlsFeatureStatus);
        var chain = Words(Pick(Parameters.SmtpTlsChainFiles, Parameters.LmtpTlsChainFiles));
        return new ClientTlsOptions
        {
            Level = level,
            LogName = level == TlsLevel.None || !logged ? null : level.ToString().ToLowerInvariant(),
            CAFile = Pick(Parameters.SmtpTlsCAfile, Parameters.LmtpTlsCAfile),
            UseSystemRoots = settings.Get(Parameters.TlsAppendDefaultCA),
            CertificateMatch = Words(match),
            ServerName = Pick(Parameters.SmtpTlsServername, Parameters.LmtpTlsServername),
            LogLevel = Pick(Parameters.SmtpTlsLoglevel, Parameters.LmtpTlsLoglevel),
            CertificateFile = chain.Length > 0 ? chain[0] : Pick(Parameters.SmtpTlsCertFile, Parameters.LmtpTlsCertFile),
            KeyFile = chain.Length > 0 ? chain[0] : Pick(Parameters.SmtpTlsKeyFile, Parameters.LmtpTlsKeyFile),
        };
    }

    /// <summary>The trusted roots of the file, read once. Throws what reading it throws.</summary>
    public X509Certificate2Collection Roots()
    {
        if (roots is null)
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPemFile(CAFile);
            roots = read;
        }

        return roots;
    }

    /// <summary>The certificate to present to servers, read once. Throws what reading it throws.</summary>
    public X509Certificate2 Certificate() =>
        certificate ??= X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile.Length > 0 ? KeyFile : null);

    private static string[] Words(string text) => text.Split([' ', ',', ':', '\t'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>
    /// The level by name, else by the parameters that were before it. A level that this program does not know is met by the strongest one
    /// that it does: mail waits rather than goes out unprotected.
    /// </summary>
    private static TlsLevel ReadLevel(string name, bool enforce, bool enforceName, bool use) => name switch
    {
        "" => enforce ? (enforceName ? TlsLevel.Verify : TlsLevel.Encrypt) : use ? TlsLevel.May : TlsLevel.None,
        "none" => TlsLevel.None,
        "may" => TlsLevel.May,
        "encrypt" => TlsLevel.Encrypt,
        "verify" => TlsLevel.Verify,
        _ => TlsLevel.Secure,
    };
}
