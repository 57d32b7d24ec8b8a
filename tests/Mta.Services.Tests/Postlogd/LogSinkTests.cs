using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Postlogd;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Postlogd;

public sealed class LogSinkTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-log-");

    private string LogFile => Path.Combine(directory.FullName, "maillog");

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task Lines_have_the_form_that_syslogd_writes()
    {
        await using (var sink = Open())
        {
            Log(sink, "smtpd", "connect from localhost[127.0.0.1]");
            new MailLog(sink).Warning("submission/smtpd", $"odd");
        }

        var lines = await File.ReadAllLinesAsync(LogFile, TestContext.Current.CancellationToken);
        lines.Length.ShouldBe(2);
        lines[0].ShouldMatch(@"^[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \S+ postfix/smtpd\[" + Environment.ProcessId + @"\]: connect from localhost\[127\.0\.0\.1\]$");
        lines[1].ShouldEndWith($"postfix/submission/smtpd[{Environment.ProcessId}]: warning: odd");
    }

    [Fact]
    public async Task File_has_the_permissions_of_maillog_file_permissions()
    {
        await using var sink = Open(("maillog_file_permissions", "0640"));
        File.GetUnixFileMode(LogFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
    }

    [Fact]
    public async Task Renamed_file_is_left_alone_after_a_reopen()
    {
        await using var sink = Open();
        Log(sink, "smtpd", "before");
        sink.Flush();
        File.Move(LogFile, LogFile + ".1");
        Log(sink, "smtpd", "to the old file until it is noticed");
        sink.Flush();
        sink.Reopen();
        Log(sink, "smtpd", "after");
        sink.Flush();

        (await File.ReadAllTextAsync(LogFile, TestContext.Current.CancellationToken)).ShouldEndWith("]: after\n");
        (await File.ReadAllLinesAsync(LogFile + ".1", TestContext.Current.CancellationToken)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Rename_is_noticed_without_being_told()
    {
        var time = new ManualTime();
        await using var sink = LogSinks.Open(Settings(), false, time, out _);
        Log(sink, "smtpd", "before");
        sink.Flush();
        File.Move(LogFile, LogFile + ".1");
        time.Advance(TimeSpan.FromSeconds(2));
        Log(sink, "smtpd", "after");
        sink.Flush();

        (await File.ReadAllTextAsync(LogFile, TestContext.Current.CancellationToken)).ShouldEndWith("]: after\n");
    }

    [Fact]
    public async Task Lines_of_many_threads_are_all_there_and_whole()
    {
        await using (var sink = Open())
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(t => Task.Run(() =>
            {
                for (var i = 0; i < 5000; i++)
                {
                    Log(sink, "smtp", string.Create(CultureInfo.InvariantCulture, $"thread {t} line {i}"));
                }
            })));
        }

        var lines = await File.ReadAllLinesAsync(LogFile, TestContext.Current.CancellationToken);
        lines.Length.ShouldBe(20000);
        lines.ShouldAllBe(l => l.Contains("]: thread ", StringComparison.Ordinal));
        lines.Where(l => l.Contains("]: thread 2 ", StringComparison.Ordinal)).Select(l => int.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture))
            .ShouldBe(Enumerable.Range(0, 5000));
    }

    [Fact]
    public async Task System_log_gets_a_datagram_for_each_line_with_its_priority()
    {
        var path = Path.Combine(directory.FullName, "log");
        using var daemon = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        daemon.Bind(new UnixDomainSocketEndPoint(path));
        await using var sink = SyslogSink.TryCreate(TimeProvider.System, new LinePrefix(TimeProvider.System, "postfix", null, 7), path, "mail")!;
        var log = new MailLog(sink);
        log.Info("smtpd", $"one");
        log.Fatal("smtpd", $"two");

        (await ReceiveAsync(daemon)).ShouldMatch(@"^<22>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d postfix/smtpd\[7\]: one$");
        (await ReceiveAsync(daemon)).ShouldStartWith("<18>");
    }

    [Fact]
    public async Task System_log_that_is_started_anew_gets_the_next_lines()
    {
        var path = Path.Combine(directory.FullName, "log");
        var first = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        first.Bind(new UnixDomainSocketEndPoint(path));
        await using var sink = SyslogSink.TryCreate(TimeProvider.System, new LinePrefix(TimeProvider.System, "postfix", null, 7), path, "mail")!;
        first.Dispose();
        File.Delete(path);
        using var second = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        second.Bind(new UnixDomainSocketEndPoint(path));
        Log(sink, "smtpd", "here");

        (await ReceiveAsync(second)).ShouldEndWith(": here");
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        var buffer = new byte[2048];
        var length = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static void Log(BufferedLogSink sink, string tag, string text) => sink.Write(LogSeverity.Info, tag, Encoding.UTF8.GetBytes(text));

    private BufferedLogSink Open(params (string Name, string Value)[] more) => LogSinks.Open(Settings(more), false, TimeProvider.System, out _);

    private Settings Settings(params (string Name, string Value)[] more) =>
        new([new("maillog_file", LogFile), new("syslog_name", "postfix"), .. more.Select(m => new KeyValuePair<string, string>(m.Name, m.Value))]);

    private sealed class ManualTime : TimeProvider
    {
        private long offset;

        public void Advance(TimeSpan by) => offset += by.Ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => offset;
    }
}
