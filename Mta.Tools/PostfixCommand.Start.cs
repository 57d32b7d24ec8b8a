using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Mta.Core.Commands;
using Mta.Services.Clients;
using Mta.Services.Net;

namespace Mta.Tools;

/// <summary>start and start-fg.</summary>
internal sealed partial class PostfixCommand
{
    // Both programs are published into one directory.
    private static string MasterProgram => Path.Combine(AppContext.BaseDirectory, "Mta.Daemon");

    /// <summary>Master lets go of everything of ours (session, terminal, descriptors) and says by a pipe how its start went.</summary>
    private async Task<int> StartAsync(CancellationToken cancellationToken)
    {
        if (files.RunningMaster() is not null)
        {
            return await SayAsync(LogSeverity.Fatal, "the Postfix mail system is already running").ConfigureAwait(false);
        }

        await SayAsync(LogSeverity.Info, "starting the Postfix mail system").ConfigureAwait(false);
        Libc.CloseAllOnExec();
        var (read, write) = Libc.Pipe();
        using (read)
        {
            using (write)
            {
                Libc.SetInheritable(write, true);
                try
                {
                    using var master = Process.Start(MasterStart(write.DangerousGetHandle()));
                }
                catch (Win32Exception e)
                {
                    return await SayAsync(LogSeverity.Fatal, $"cannot start {MasterProgram}: {e.Message}").ConfigureAwait(false);
                }
            }

            using var report = new StreamReader(new FileStream(read, FileAccess.Read, bufferSize: 1));
            while (await report.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (line == "ready")
                {
                    return ExitCode.Ok;
                }

                await terminal.Error.WriteLineAsync(line).ConfigureAwait(false);
            }
        }

        return await SayAsync(LogSeverity.Fatal, "mail system startup failed").ConfigureAwait(false);
    }

    /// <summary>This process becomes master: process id, terminal and signals are those of whoever waits for it.</summary>
    private int StartForeground()
    {
        if (files.RunningMaster() is not null)
        {
            return terminal.Fatal("the Postfix mail system is already running");
        }

        Libc.CloseAllOnExec();
        return terminal.Fatal(Libc.Execute(MasterProgram, ["master", "-c", directory, "--foreground"]).Message);
    }

    private ProcessStartInfo MasterStart(nint ready)
    {
        // Pipes instead of our own standard streams: whoever reads ours must not wait for master's end.
        var start = new ProcessStartInfo(MasterProgram)
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["master", "-c", directory, "--ready", ready.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
