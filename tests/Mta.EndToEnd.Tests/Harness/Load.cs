using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// Sessions that send one message after the other until told to stop, whatever becomes of the server meanwhile: they try again after a
/// 4xx and connect again when cut off. Every message has a subject of its own, and counts as accepted from its 250 on.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly MtaInstance mta;
    private readonly string recipient;
    private readonly string name;
    private readonly TimeSpan pace;
    private readonly string body;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<string, bool> accepted = new();
    private readonly ConcurrentQueue<string> refusals = new();
    private readonly Task[] sessions;
    private int temporaryRefusals;

    private Load(MtaInstance mta, string recipient, int sessions, string name, TimeSpan pace, int size)
    {
        this.pace = pace;
        body = string.Concat(Enumerable.Repeat(new string('x', 99) + "\n", size * 10));
        this.name = name;
        this.mta = mta;
        this.recipient = recipient;
        this.sessions = [.. Enumerable.Range(0, sessions).Select(RunAsync)];
    }

    /// <summary>Subjects of the messages that got their 250.</summary>
    public IReadOnlyCollection<string> Accepted => (IReadOnlyCollection<string>)accepted.Keys;

    /// <summary>Replies of class 5, of which there are to be none.</summary>
    public IReadOnlyCollection<string> PermanentRefusals => refusals;

    /// <summary>How many replies of class 4 there were.</summary>
    public int TemporaryRefusals => Volatile.Read(ref temporaryRefusals);

    /// <param name="name">Begins its subjects, where several run at once.</param>
    /// <param name="pace">Between two messages of a session, and before it tries again; without it, as fast as it can.</param>
    /// <param name="size">Of each message, in thousands of bytes.</param>
    public static Load Start(MtaInstance mta, string recipient, int sessions = 10, string name = "", TimeSpan pace = default, int size = 1) =>
        new(mta, recipient, sessions, name, pace, size);

    public async Task StopAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(sessions);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stopping.Dispose();
    }

    private async Task RunAsync(int session)
    {
        for (var i = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                await using var client = await mta.ConnectAsync(stopping.Token);
                while (true)
                {
                    var subject = $"{name}{session}.{i++}";
                    var reply = await client.SendMailAsync("sender@client.test", [recipient], TestMail.Make(subject, body), stopping.Token);
                    Take(subject, reply);
                    await PaceAsync();
                }
            }
            catch (InvalidOperationException refused)
            {
                Take("", refused.Message[(refused.Message.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);
                await AgainAsync();
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // Cut off, or nobody listens: not accepted, as far as we know.
                await AgainAsync();
            }
        }
    }

    private Task PaceAsync() => pace > TimeSpan.Zero ? Task.Delay(pace, stopping.Token) : Task.CompletedTask;

    private async Task AgainAsync()
    {
        await Task.Yield();
        await PaceAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Take(string subject, string reply)
    {
        switch (reply)
        {
            case ['2', ..]:
                accepted[subject] = true;
                break;
            case ['5', ..]:
                refusals.Enqueue(reply);
                break;
            case ['4', ..]:
                Interlocked.Increment(ref temporaryRefusals);
                break;
        }
    }
}
