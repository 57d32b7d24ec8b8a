using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mta.Services.Net;

namespace Mta.Services.Tls;

/// <summary>How a client's handshake ended.</summary>
internal enum TlsOutcome : byte
{
    Done,
    /// <summary>The connection is of no more use.</summary>
    Failed,
    /// <summary>The certificate is not what the level demands; the connection is of no more use.</summary>
    NotVerified,
    /// <summary>A configured file cannot be read.</summary>
    Misconfigured,
}

/// <summary>A TLS handshake with a server, and what is known of it afterwards.</summary>
internal sealed class ClientTlsHandshake(ClientTlsOptions options, string host, string nexthop)
{
    /// <summary><c>Anonymous</c>, <c>Untrusted</c>, <c>Trusted</c> or <c>Verified</c>: the first word of the log line.</summary>
    public string Trust { get; private set; } = "Anonymous";

    /// <summary>Why it failed, for the log.</summary>
    public string Reason { get; private set; } = "";

    public async ValueTask<TlsOutcome> RunAsync(SocketConnection connection, CancellationToken cancellationToken)
    {
        SslClientAuthenticationOptions authentication;
        try
        {
            authentication = Build();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            Reason = e.Message;
            return TlsOutcome.Misconfigured;
        }

        try
        {
            await connection.StartTlsAsync(authentication, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or InvalidOperationException or ObjectDisposedException)
        {
            Reason = (e.InnerException ?? e).Message;
            return TlsOutcome.Failed;
        }

        return options.Level >= TlsLevel.Verify && Trust != "Verified" ? TlsOutcome.NotVerified : TlsOutcome.Done;
    }

    private SslClientAuthenticationOptions Build()
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // A handshake fetches nothing from addresses that the peer names.
            DisableCertificateDownloads = true,
        };
        if (options.CAFile.Length > 0)
        {
            policy.CustomTrustStore.AddRange(options.Roots());
        }
        else if (options.UseSystemRoots)
        {
            policy.TrustMode = X509ChainTrustMode.System;
        }

        var result = new SslClientAuthenticationOptions
        {
            TargetHost = options.ServerName switch { "hostname" => host, "nexthop" => nexthop, var name => name },
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                Judge(certificate, errors);
                return true;
            },
        };
        if (options.CertificateFile.Length > 0)
        {
            result.ClientCertificates = [options.Certificate()];
        }

        return result;
    }

    private void Judge(X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 known)
        {
            return;
        }

        var trusted = (errors & SslPolicyErrors.RemoteCertificateChainErrors) == 0;
        Trust = !trusted ? "Untrusted" : options.Level >= TlsLevel.Verify && Matches(known) ? "Verified" : "Trusted";
    }

    private bool Matches(X509Certificate2 certificate)
    {
        foreach (var word in options.CertificateMatch)
        {
            var matches = word switch
            {
                "hostname" => certificate.MatchesHostname(host),
                "nexthop" => certificate.MatchesHostname(nexthop),
                "dot-nexthop" => MatchesSubdomain(certificate, nexthop),
                _ when word[0] == '.' => MatchesSubdomain(certificate, word[1..]),
                _ => certificate.MatchesHostname(word),
            };
            if (matches)
            {
                return true;
            }
        }

        return false;
    }

    private static bool MatchesSubdomain(X509Certificate2 certificate, string domain)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension is X509SubjectAlternativeNameExtension names)
            {
                foreach (var name in names.EnumerateDnsNames())
                {
                    if (name.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase))
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }
}
