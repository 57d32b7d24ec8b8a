using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

/// <summary>Servers that say anything at all.</summary>
public sealed class SmtpGarbageTests
{
    private static readonly string[] Words =
    [
        "250 ok", "250-mx\r\n250 PIPELINING", "354 go", "220 hi", "421 bye", "550 no", "450 later", "999", "25", "250-", "-1 x", "", "\0\0", "250 2.0.0",
    ];

    [Fact]
    public async Task Each_recipient_is_reported_once_whatever_a_server_says()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var lines = Lines(new Random(seed));
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var server = SayAsync(listener, lines);
            using (var scenario = new SmtpScenario())
            {
                await scenario.DeliverAsync($"[127.0.0.1]:{((IPEndPoint)listener.LocalEndpoint).Port}", recipients: [To("a@x.test"), To("b@x.test")]);
                scenario.Statuses.Values.ShouldAllBe(s => Enum.IsDefined(s.Action) && s.Text.Length > 0 && s.Dsn.Length >= 5);
            }

            await server;
        }
    }

    /// <summary>Mostly what belongs into a conversation, so that each stage of it is reached.</summary>
    private static string[] Lines(Random random) => [.. Enumerable.Range(0, random.Next(12)).Select(i => random.Next(8) switch
    {
        0 => new string([.. Enumerable.Range(0, random.Next(20)).Select(_ => "\0 -0245\r\n.\u00ff"[random.Next(11)])]),
        1 => Words[random.Next(Words.Length)],
        _ => i == 0 ? "220 hi" : i == 4 ? "354 go" : Words[random.Next(2)],
    })];

    private static async Task SayAsync(TcpListener listener, string[] lines)
    {
        using var client = await listener.AcceptTcpClientAsync();
        client.Client.NoDelay = true;
        try
        {
            foreach (var line in lines)
            {
                await client.Client.SendAsync(Encoding.Latin1.GetBytes(line + "\r\n"));
                await Task.Yield();
            }

            client.Client.Shutdown(SocketShutdown.Send);
            var buffer = new byte[4096];
            while (await client.Client.ReceiveAsync(buffer) > 0)
            {
                // Until the client leaves.
            }
        }
        catch (SocketException)
        {
            // The client has left before.
        }
    }
}
