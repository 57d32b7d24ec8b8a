using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailKit.Security;
using MimeKit;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AMailProgramSendsOverStarttls
{
    [Fact]
    public async Task A_mail_program_sends_over_starttls()
    {
        var token = TestContext.Current.CancellationToken;
        var mta = MtaInstance.Create();
        await using (mta)
        {
            var chain = Path.Combine(mta.ConfigurationDirectory, "chain.pem");
            await File.WriteAllTextAsync(chain, MakeCertificate(), token);
            await File.AppendAllTextAsync(
                Path.Combine(mta.ConfigurationDirectory, "main.cf"), $"smtpd_tls_chain_files = {chain}\nsmtpd_tls_security_level = may\n", token);
            (await mta.PostfixAsync("start", token)).Succeeded();

            var message = MailClient.Message("sender@client.test", $"user1@{MtaInstance.VirtualDomain}", "grüße", "Ünïcode\r\n");
            var reply = await MailClient.SendAsync(mta, message, SecureSocketOptions.StartTls, token);

            reply.ShouldStartWith("2.0.0 Ok: queued as ");
            var arrived = await MimeMessage.LoadAsync((await mta.WaitForMailsAsync("user1", 1, token))[0], token);
            arrived.Subject.ShouldBe("grüße");
            arrived.TextBody!.TrimEnd().ShouldBe("Ünïcode");
            arrived.Headers["Received"]!.ShouldContain("with ESMTPS");
        }
    }

    private static string MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mta.test", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(150));
        return key.ExportPkcs8PrivateKeyPem() + "\n" + certificate.ExportCertificatePem() + "\n";
    }
}
