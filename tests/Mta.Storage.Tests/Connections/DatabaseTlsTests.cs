using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mta.Storage.Connections;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Connections;

/// <summary>TLS to the database: a server of the test's own that does no more than the handshake and hears who logs in.</summary>
public sealed class DatabaseTlsTests : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 certificate = MakeCertificate();
    private readonly string authorityFile = Path.GetTempFileName();

    public DatabaseTlsTests()
    {
        listener.Start();
        File.WriteAllText(authorityFile, certificate.ExportCertificatePem());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public void Dispose()
    {
        listener.Dispose();
        certificate.Dispose();
        File.Delete(authorityFile);
    }

    [Fact]
    public async Task Known_authority_and_right_name_are_logged_in_to() =>
        (await LogInAsync("localhost", "sslmode=verify-full&sslrootcert=" + authorityFile)).ShouldBe("alice");

    [Fact]
    public async Task Unknown_authority_is_not_logged_in_to() =>
        (await LogInAsync("localhost", "sslmode=verify-full")).ShouldBeNull();

    [Fact]
    public async Task Wrong_name_is_not_logged_in_to_with_verify_full_and_is_with_verify_ca()
    {
        (await LogInAsync("127.0.0.1", "sslmode=verify-full&sslrootcert=" + authorityFile)).ShouldBeNull();
        (await LogInAsync("127.0.0.1", "sslmode=verify-ca&sslrootcert=" + authorityFile)).ShouldBe("alice");
    }

    [Fact]
    public async Task Require_encrypts_and_asks_for_no_authority() =>
        (await LogInAsync("localhost", "sslmode=require")).ShouldBe("alice");

    /// <summary>The user that the server heard of; null when the client broke off before.</summary>
    private async Task<string?> LogInAsync(string host, string query)
    {
        DatabaseUrl.TryParse($"postgresql://alice@{host}:{Port}/mail?{query}", out var url, out var problem).ShouldBeTrue(problem);
        var serving = ServeAsync();
        await using (var source = Database.Connect(url!).CreateDataSource(DatabaseRole.Login, "test", 1))
        {
            await Should.ThrowAsync<NpgsqlException>(async () => await source.OpenConnectionAsync(Cancel));
        }

        return await serving;
    }

    private async Task<string?> ServeAsync()
    {
        using var client = await listener.AcceptTcpClientAsync(Cancel);
        await using var plain = client.GetStream();
        var request = new byte[8];
        await plain.ReadExactlyAsync(request, Cancel);
        // SSLRequest; the answer S means: go on by TLS.
        BinaryPrimitives.ReadInt32BigEndian(request.AsSpan(4)).ShouldBe(80877103);
        await plain.WriteAsync("S"u8.ToArray(), Cancel);
        await using var stream = new SslStream(plain);
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancel);
            var length = new byte[4];
            await stream.ReadExactlyAsync(length, Cancel);
            var startup = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
            await stream.ReadExactlyAsync(startup, Cancel);
            var fields = Encoding.UTF8.GetString(startup.AsSpan(4)).Split('\0');
            return fields[Array.IndexOf(fields, "user") + 1];
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return null;
        }
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(40), DateTimeOffset.UnixEpoch.AddYears(120));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
