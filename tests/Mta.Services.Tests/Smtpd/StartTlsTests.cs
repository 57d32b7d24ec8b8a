using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>STARTTLS and smtpd_tls_wrappermode with a certificate of the test's own.</summary>
public sealed class StartTlsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly string pem;

    public StartTlsTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx.example.test", key, HashAlgorithmName.SHA256);
        var begin = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using var certificate = request.CreateSelfSigned(begin, begin.AddYears(100));
        pem = Path.Combine(directory.Path, "server.pem");
        File.WriteAllText(pem, key.ExportPkcs8PrivateKeyPem() + "\n" + certificate.ExportCertificatePem() + "\n");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task What_was_said_in_plaintext_does_not_count_inside_TLS()
    {
        using var fixture = new SmtpdFixture(
            $"""
            smtpd_tls_security_level = may
            smtpd_tls_chain_files = {pem}
            smtpd_tls_received_header = yes
            smtpd_tls_loglevel = 1
            smtpd_helo_required = yes
            """);
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        (await client.SayAsync("EHLO client.test", Token)).ShouldContain("250-ETRN\n250-STARTTLS\n250-ENHANCEDSTATUSCODES");
        (await client.SayAsync("STARTTLS now", Token)).ShouldBe("501 5.5.4 Syntax: STARTTLS");

        // The second command is sent in plaintext, with the first: it must not be answered inside TLS.
        (await client.SayAsync("STARTTLS\r\nNOOP injected", Token)).ShouldBe("220 2.0.0 Ready to start TLS");
        await client.StartTlsAsync(Token);
        (await client.SayAsync("MAIL FROM:<bob@sender.test>", Token)).ShouldBe("503 5.5.1 Error: send HELO/EHLO first");
        (await client.SayAsync("EHLO client.test", Token)).ShouldNotContain("STARTTLS");
        (await client.SayAsync("STARTTLS", Token)).ShouldBe("554 5.5.1 Error: TLS already active");
        await client.SendAsync("MAIL FROM:<bob@sender.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n", Token);
        for (var i = 0; i < 3; i++)
        {
            await client.ReplyAsync(Token);
        }

        (await client.SayAsync("hello\r\n.", Token)).ShouldBe("250 2.0.0 Ok: queued as 4QUEUEID1");
        fixture.Cleanup.Queued.ShouldHaveSingleItem().Headers.ShouldHaveSingleItem().ShouldMatch(
            """^Received: from client\.test \(localhost \[127\.0\.0\.1\]\)\n"""
            + """\t\(using TLSv1\.3 with cipher TLS_\w+ \(\d+/\d+ bits\)\)\n\t\(No client certificate requested\)\n"""
            + """\tby mx\.example\.test \(Postfix\) with ESMTPS id """);
        fixture.Log.ShouldContain(l => Transcript.Matches(
            "Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.3 with cipher TLS_* (* bits)", l));
    }

    [Fact]
    public async Task Mail_can_be_made_to_wait_for_TLS()
    {
        using var fixture = new SmtpdFixture($"smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = {pem}");
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        (await client.SayAsync("EHLO client.test", Token)).ShouldContain("STARTTLS");
        (await client.SayAsync("MAIL FROM:<bob@sender.test>", Token)).ShouldBe("530 5.7.0 Must issue a STARTTLS command first");
        (await client.SayAsync("NOOP", Token)).ShouldBe("250 2.0.0 Ok");
        (await client.SayAsync("STARTTLS", Token)).ShouldStartWith("220 ");
        await client.StartTlsAsync(Token);
        (await client.SayAsync("MAIL FROM:<bob@sender.test>", Token)).ShouldBe("250 2.1.0 Ok");
    }

    [Fact]
    public async Task Wrapper_mode_begins_with_the_handshake()
    {
        using var fixture = new SmtpdFixture($"smtpd_tls_wrappermode = yes\nsmtpd_tls_chain_files = {pem}");
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.StartTlsAsync(Token);
        (await client.ReplyAsync(Token)).ShouldStartWith("220 ");
    }

    [Fact]
    public async Task Without_a_readable_certificate_the_server_runs_without_TLS_and_warns()
    {
        using var fixture = new SmtpdFixture($"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {pem}.missing");
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        (await client.SayAsync("EHLO client.test", Token)).ShouldNotContain("STARTTLS");
        (await client.SayAsync("STARTTLS", Token)).ShouldBe("454 4.7.0 TLS not available due to local problem");
        fixture.Log[0].ShouldStartWith("warning: cannot load server certificate and key: ");
    }

    [Fact]
    public async Task A_client_that_does_not_finish_the_handshake_is_left_without_a_word()
    {
        using var fixture = new SmtpdFixture($"smtpd_tls_wrappermode = yes\nsmtpd_tls_chain_files = {pem}\nsmtpd_starttls_timeout = 1");
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        (await client.ReplyAsync(Token)).ShouldBe("");
        fixture.Log.Skip(1).ShouldBe(
            [
                "SSL_accept error from localhost[127.0.0.1]: timeout",
                "NOQUEUE: timeout after CONNECT from localhost[127.0.0.1]",
                "disconnect from localhost[127.0.0.1] commands=0",
            ]);
    }

    [Fact]
    public async Task A_handshake_that_fails_ends_the_session()
    {
        using var fixture = new SmtpdFixture($"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {pem}");
        await using var server = SmtpServerTests.Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        (await client.SayAsync("EHLO client.test", Token)).ShouldContain("STARTTLS");
        (await client.SayAsync("STARTTLS", Token)).ShouldStartWith("220 ");
        await client.SendAsync("this is no handshake, and it is long enough to be seen\r\n", Token);
        await client.UntilClosedAsync(Token);
        fixture.Log.ShouldContain(l => l.StartsWith("SSL_accept error from localhost[127.0.0.1]: ", StringComparison.Ordinal));
        fixture.Log.ShouldContain("NOQUEUE: lost connection after STARTTLS from localhost[127.0.0.1]");
    }
}
