using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Clients;

namespace Mta.Daemon;

/// <summary>The services process's side of <see cref="PrivilegedRequests"/>.</summary>
internal sealed class PrivilegedClient(ControlChannel control, bool arePrivileged) : IUserProcesses
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<ControlMessage>> waiting = new(StringComparer.Ordinal);
    private long last;

    public bool ArePrivileged => arePrivileged;

    public async ValueTask<Stream> OpenAsync(uint uid, uint gid, string name, CancellationToken cancellationToken)
    {
        var descriptor = await AskAsync(
            ControlVerb.Child, cancellationToken, uid.ToString(CultureInfo.InvariantCulture), gid.ToString(CultureInfo.InvariantCulture), name).ConfigureAwait(false);
        var handle = new SafeSocketHandle(descriptor.DangerousGetHandle(), ownsHandle: true);
        descriptor.SetHandleAsInvalid();
        return new NetworkStream(new Socket(handle), ownsSocket: true);
    }

    /// <summary>maillog_file, opened by master. For a thread that may block.</summary>
    public SafeFileHandle OpenLog() => AskAsync(ControlVerb.Log, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>Takes an answer that came over the control channel.</summary>
    public void Answered(ControlMessage message)
    {
        if (waiting.TryRemove(message.Fields[0], out var asked) && asked.TrySetResult(message))
        {
            return;
        }

        foreach (var descriptor in message.Descriptors)
        {
            descriptor.Dispose();
        }
    }

    private async Task<SafeFileHandle> AskAsync(ControlVerb verb, CancellationToken cancellationToken, params string[] fields)
    {
        var number = Interlocked.Increment(ref last).ToString(CultureInfo.InvariantCulture);
        var asked = new TaskCompletionSource<ControlMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[number] = asked;
        try
        {
            if (!control.Send(new ControlMessage(verb, [number, .. fields])))
            {
                throw new IOException("master is gone");
            }

            var answer = await asked.Task.WaitAsync(AnswerLimit, cancellationToken).ConfigureAwait(false);
            return answer.Descriptors is [SafeFileHandle descriptor, ..] ? descriptor : throw new IOException(answer.Fields.ElementAtOrDefault(1) ?? "refused");
        }
        catch (TimeoutException)
        {
            throw new IOException("master does not answer");
        }
        finally
        {
            waiting.TryRemove(number, out _);
        }
    }
}
