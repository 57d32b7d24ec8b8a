using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Commands;
using Mta.Services.Clients;
using Mta.Services.Net;

namespace Mta.Tools;

/// <summary>stop, abort and reload.</summary>
internal sealed partial class PostfixCommand
{
    private async Task<int> StopAsync(string verb, int signal, CancellationToken cancellationToken)
    {
        if (files.RunningMaster() is not { } pid)
        {
            return await NotRunningAsync().ConfigureAwait(false);
        }

        await SayAsync(LogSeverity.Info, $"{verb} the Postfix mail system").ConfigureAwait(false);
        if (!Libc.Signal(pid, signal))
        {
            return terminal.Fatal(string.Create(CultureInfo.InvariantCulture, $"process {pid}: {Libc.LastError("kill").Message}"));
        }

        if (await StoppedAsync(Patience, cancellationToken).ConfigureAwait(false))
        {
            return ExitCode.Ok;
        }

        await SayAsync(LogSeverity.Info, "waiting for the Postfix mail system to terminate").ConfigureAwait(false);
        if (await StoppedAsync(StopLimit, cancellationToken).ConfigureAwait(false))
        {
            return ExitCode.Ok;
        }

        // The services process ends by itself when master is gone.
        await SayAsync(LogSeverity.Warning, "stopping the Postfix mail system with force").ConfigureAwait(false);
        Libc.Signal(pid, Libc.SignalKill);
        return await StoppedAsync(Patience, cancellationToken).ConfigureAwait(false) ? ExitCode.Ok : ExitCode.Failure;
    }

    private Task<bool> StoppedAsync(TimeSpan limit, CancellationToken cancellationToken) => Task.Run(() => files.WaitUntilStopped(limit), cancellationToken);

    private async Task<int> ReloadAsync(CancellationToken cancellationToken)
    {
        if (files.RunningMaster() is not { } pid)
        {
            return await NotRunningAsync().ConfigureAwait(false);
        }

        await SayAsync(LogSeverity.Info, "refreshing the Postfix mail system").ConfigureAwait(false);
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(files.MasterSocket), cancellationToken).ConfigureAwait(false);
            await socket.SendAsync("reload\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
            using var reader = new StreamReader(new NetworkStream(socket), Encoding.UTF8);
            var answer = (await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false)).Trim();
            return answer == "ok" ? ExitCode.Ok : await SayAsync(LogSeverity.Fatal, $"reload refused, the old configuration stays: {answer}").ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ArgumentOutOfRangeException)
        {
            // Without the socket (its path is too long for one) there is only the signal, which brings no answer.
            return Libc.Signal(pid, Libc.SignalHangup) ? ExitCode.Ok : terminal.Fatal(Libc.LastError("kill").Message);
        }
    }
}
