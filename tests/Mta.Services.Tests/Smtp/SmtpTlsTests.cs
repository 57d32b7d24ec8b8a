using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mta.Core.Delivery;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpTlsTests : IDisposable
{
    private readonly string caFile = Path.GetTempFileName();
    private readonly X509Certificate2 certificate;

    public SmtpTlsTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx.test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("mx.test");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero));
        File.WriteAllText(caFile, certificate.ExportCertificatePem());
    }

    public void Dispose()
    {
        certificate.Dispose();
        File.Delete(caFile);
    }

    [Fact]
    public async Task TLS_is_used_when_it_is_offered_and_the_connection_is_kept()
    {
        await using var server = Server();
        using var scenario = new SmtpScenario("smtp_tls_security_level = may\nsmtp_tls_loglevel = 1\nsmtp_log_tls_feature_status = yes");
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Sent);
        status.Tls.ShouldBe("may");
        server.Commands.Take(4).ShouldBe(["EHLO client.test", "STARTTLS", "EHLO client.test", "MAIL FROM:<sender@y.test> SIZE=17"]);
        scenario.Log.ShouldHaveSingleItem().ShouldMatch(
            @"^smtp: Untrusted TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3 with cipher TLS_\w+ \(\d+/\d+ bits\)$");
        (await scenario.DeliverAsync(server.Nexthop)).ConnectionUse.ShouldBe(2);
    }

    [Fact]
    public async Task TLS_is_not_asked_for_at_level_none()
    {
        await using var server = Server();
        using var scenario = new SmtpScenario("smtp_tls_security_level = none");
        (await scenario.DeliverAsync(server.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
        server.Commands.ShouldNotContain("STARTTLS");
    }

    [Fact]
    public async Task Plaintext_will_do_at_level_may_when_TLS_is_not_offered_or_fails()
    {
        await using var without = new ScriptedServer();
        await using var refusing = Server();
        refusing.Reply = line => line == "STARTTLS" ? "454 4.7.0 not now" : null;
        await using var broken = Server();
        broken.Reply = line => line == "STARTTLS" ? "220 go\r\nthis is no handshake" : null;
        broken.Tls = null;
        using var scenario = new SmtpScenario("smtp_tls_security_level = may");
        (await scenario.DeliverAsync(without.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
        (await scenario.DeliverAsync(refusing.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
        (await scenario.DeliverAsync(broken.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
        broken.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task Mail_waits_at_level_encrypt_when_there_is_no_TLS()
    {
        await using var without = new ScriptedServer();
        await using var refusing = Server();
        refusing.Reply = line => line == "STARTTLS" ? "454 4.7.0 not now" : null;
        using var scenario = new SmtpScenario("smtp_tls_security_level = encrypt");

        var status = await scenario.DeliverAsync(without.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.7.4");
        status.Text.ShouldBe("TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]");
        scenario.DestinationFailures.Count.ShouldBe(1);
        (await scenario.DeliverAsync(refusing.Nexthop)).Text.ShouldBe(
            "TLS is required, but host 127.0.0.1[127.0.0.1] refused to start TLS: 454 4.7.0 not now");
        without.Messages.ShouldBeEmpty();
        refusing.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_certificate_is_verified_where_that_is_demanded()
    {
        await using var server = Server();
        using (var scenario = new SmtpScenario($"smtp_tls_security_level = verify\nsmtp_tls_CAfile = {caFile}\nsmtp_tls_loglevel = 1"))
        {
            (await scenario.DeliverAsync(server.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
            (await scenario.DeliverAsync(server.Nexthop)).ConnectionUse.ShouldBe(2);
            (await scenario.DeliverAsync(server.Nexthop)).ConnectionUse.ShouldBe(3);
            scenario.Log.ShouldHaveSingleItem().ShouldStartWith("smtp: Verified TLS connection");
        }

        foreach (var mainCf in new[] { "", $"smtp_tls_CAfile = {caFile}\nsmtp_tls_verify_cert_match = other.test" })
        {
            using var scenario = new SmtpScenario("smtp_tls_security_level = verify\n" + mainCf);
            var status = await scenario.DeliverAsync(server.Nexthop);
            status.Action.ShouldBe(DeliveryAction.Deferred);
            status.Dsn.ShouldBe("4.7.5");
            status.Text.ShouldBe("Server certificate not verified");
        }
    }

    private ScriptedServer Server() => new()
    {
        Extensions = ["PIPELINING", "SIZE", "STARTTLS"],
        Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate },
    };
}
