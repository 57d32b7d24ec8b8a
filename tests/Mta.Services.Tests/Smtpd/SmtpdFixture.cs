using System.Net;
using System.Text;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Smtpd;
using Mta.Services.TrivialRewrite;

namespace Mta.Services.Tests.Smtpd;

/// <summary>A server for tests: main.cf text, a cleanup that remembers, a log that can be read.</summary>
internal sealed class SmtpdFixture : ILogSink, IDisposable
{
    private const string Defaults = """
        compatibility_level = 3.12
        myhostname = mx.example.test
        myorigin = example.test
        mydestination = example.test, localhost
        mynetworks = 127.0.0.0/8
        local_recipient_maps = inline:{alice=x, postmaster=x}
        relay_domains = relay.test
        relay_recipient_maps = inline:{carol@relay.test=x}
        virtual_alias_domains = alias.test
        virtual_alias_maps = inline:{info@alias.test=alice@example.test}
        virtual_mailbox_domains = mailbox.test
        virtual_mailbox_maps = inline:{bob@mailbox.test=bob/}
        alias_maps =
        smtpd_error_sleep_time = 0
        """;

    private readonly Lock gate = new();
    private readonly List<string> lines = [];

    public SmtpdFixture(string mainCf = "", TimeProvider? time = null, IEnumerable<string>? dns = null)
    {
        foreach (var record in dns ?? [])
        {
            Dns.Add(record);
        }

        var text = Defaults + "\n" + mainCf;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in MainCf.Parse("main.cf", text).Entries)
        {
            values[entry.Name] = entry.Value;
        }

        Settings = new Settings(values);
        Time = time ?? TimeProvider.System;
        var log = new MailLog(this);
        Deadlines = new DeadlineSweeper(Time);
        Environment = new SmtpdEnvironment
        {
            Cleanup = Cleanup,
            Tables = new TableRegistry(log, Time),
            Dns = Dns,
            Hosts = HostsFile.Parse("127.0.0.1 localhost"),
            Log = log,
            Time = Time,
            Deadlines = Deadlines,
            AcceptingMail = () => AcceptingMail,
        };
    }

    public Settings Settings { get; }

    public TimeProvider Time { get; }

    public DeadlineSweeper Deadlines { get; }

    public SmtpdEnvironment Environment { get; }

    public FakeDns Dns { get; } = new();

    public FakeCleanup Cleanup { get; } = new();

    public bool AcceptingMail { get; set; } = true;

    /// <summary>Log lines without severity, warnings with their prefix.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (gate)
            {
                return [.. lines];
            }
        }
    }

    public SmtpdSnapshot Snapshot() => new(Settings, new AddressResolver(Settings, Environment.Tables, Environment.Log));

    public SmtpdConfig Config() => new(Snapshot(), Environment.Tables);

    /// <summary>A session that receives exactly these pieces, then the end; returns what was sent after each.</summary>
    /// <param name="client">Its address, and after it its name and what PTR says, or <c>unknown</c>.</param>
    public async Task<ScriptedClient> RunAsync(
        IEnumerable<byte[]> pieces, string client = "203.0.113.5", bool standAlone = false, CancellationToken cancellationToken = default)
    {
        var stream = new ScriptedClient(pieces);
        var words = client.Split(' ');
        client = words[0];
        var verified = words.Length > 1 ? words[1] : client == "127.0.0.1" ? "localhost" : "client.example.test";
        var reverse = words.Length > 2 ? words[2] : verified;
        var name = new ClientName(verified == "unknown" ? null : verified, reverse == "unknown" ? null : reverse);
        using var session = new SmtpdSession(Environment, Config(), stream, new ClientInfo(IPAddress.Parse(client), 40000, name, false), "smtpd")
        {
            StandAlone = standAlone,
        };
        await session.RunAsync(cancellationToken);
        return stream;
    }

    void ILogSink.Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
        lock (gate)
        {
            lines.Add(Encoding.UTF8.GetString(text));
        }
    }

    public void Dispose() => Deadlines.Dispose();
}
