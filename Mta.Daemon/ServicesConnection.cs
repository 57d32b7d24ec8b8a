using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mta.Core.Config;

namespace Mta.Daemon;

/// <summary>Master's end of the control channel to one services process: one order at a time, each with its answer.</summary>
internal sealed class ServicesConnection : IDisposable
{
    private readonly ControlChannel control;
    private readonly SemaphoreSlim asking = new(1, 1);

    /// <summary>The listeners that the process has, by service and address.</summary>
    private readonly HashSet<(string, string)> known = [];

    private volatile TaskCompletionSource<string?>? answer;
    private volatile bool ended;

    /// <param name="requests">Answers what the process asks for.</param>
    /// <param name="settings">The settings in force at the time of a request.</param>
    public ServicesConnection(SafeFileHandle socket, PrivilegedRequests requests, Func<Settings> settings)
    {
        control = new ControlChannel(socket);
        control.Listen(
            message =>
            {
                switch (message.Verb)
                {
                    case ControlVerb.Ready:
                        answer?.TrySetResult(null);
                        break;
                    case ControlVerb.Failed:
                        answer?.TrySetResult(message.Fields is [var reason, ..] ? reason : "no reason given");
                        break;
                    case ControlVerb.Child or ControlVerb.Log:
                        requests.Answer(control, message, settings());
                        break;
                }
            },
            () =>
            {
                ended = true;
                answer?.TrySetResult("the services process ended");
            });
    }

    /// <summary>Has it start or reload with these listeners; the reason when it does not.</summary>
    public async Task<string?> AskAsync(ControlVerb verb, IReadOnlyList<ServiceListener> listeners)
    {
        await asking.WaitAsync().ConfigureAwait(false);
        try
        {
            var asked = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            answer = asked;
            return !ended && control.Send(Order(verb, listeners)) ? await asked.Task.ConfigureAwait(false) : "the services process does not answer";
        }
        finally
        {
            asking.Release();
        }
    }

    /// <summary>An order without an answer: the process ends.</summary>
    public void Tell(ControlVerb verb) => control.Send(new ControlMessage(verb));

    public void Dispose()
    {
        control.Dispose();
        answer?.TrySetResult("the services process ended");
    }

    private ControlMessage Order(ControlVerb verb, IReadOnlyList<ServiceListener> listeners)
    {
        var fields = new List<string>();
        var descriptors = new List<SafeHandle>();
        var named = new HashSet<(string, string)>();
        foreach (var (service, socket) in listeners)
        {
            // A listener that it has already is named without a descriptor.
            var address = socket.LocalEndPoint!.ToString()!;
            var isNew = known.Add((service, address));
            named.Add((service, address));
            fields.Add($"{service}\t{address}\t{(isNew ? "new" : "known")}");
            if (isNew)
            {
                descriptors.Add(socket.SafeHandle);
            }
        }

        known.IntersectWith(named);
        return new ControlMessage(verb, fields, descriptors);
    }
}
