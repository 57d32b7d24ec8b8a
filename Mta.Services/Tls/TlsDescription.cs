using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;

namespace Mta.Services.Tls;

/// <summary>A TLS connection in the words of the log and the Received header.</summary>
internal static class TlsDescription
{
    /// <summary><c>TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)</c>.</summary>
    public static string Of(SslStream stream)
    {
        var protocol = stream.SslProtocol switch
        {
            SslProtocols.Tls13 => "TLSv1.3",
            SslProtocols.Tls12 => "TLSv1.2",
#pragma warning disable SYSLIB0039, CA5397 // Old peers of opportunistic TLS have nothing newer.
            SslProtocols.Tls11 => "TLSv1.1",
            SslProtocols.Tls => "TLSv1",
#pragma warning restore SYSLIB0039, CA5397
            var other => other.ToString(),
        };
        var cipher = stream.NegotiatedCipherSuite.ToString();
        var bits = cipher.Contains("_128_", StringComparison.Ordinal) ? 128 : 256;
        return string.Create(CultureInfo.InvariantCulture, $"{protocol} with cipher {cipher} ({bits}/{bits} bits)");
    }
}
