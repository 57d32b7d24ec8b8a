using System.Runtime.InteropServices;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Storage;
using Mta.Tools;

// For build.sh, which makes the links.
if (args is ["--list-commands"])
{
    Console.Out.WriteLine(string.Join('\n', CommandTable.Names));
    return ExitCode.Ok;
}

// One program for all commands, called by a link with the command's name or with the name as first argument.
var name = CommandName.Take(CommandName.CalledAs(), ref args);
if (name is null)
{
    Console.Error.WriteLine(args.Length == 0 ? "usage: mta command [argument ...]" : $"mta: unknown command: {args[0]}");
    Console.Error.WriteLine("commands: " + string.Join(' ', CommandTable.Names));
    return ExitCode.Usage;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
using var terminal = Terminal.OfProcess(name);
try
{
    return await CommandTable.Find(name)!(terminal, args, stop.Token).ConfigureAwait(false);
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return terminal.Fatal("interrupted", ExitCode.TemporaryFailure);
}
catch (SettingsException e)
{
    return terminal.Fatal(e.Message);
}
catch (StorageException e)
{
    return terminal.Fatal(e.Message, ExitCode.TemporaryFailure);
}
catch (IOException e)
{
    // Mostly a pipe whose reader has seen enough.
    return terminal.Fatal(e.Message, ExitCode.IoError);
}

void Cancel(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
