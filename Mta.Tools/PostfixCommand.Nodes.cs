using System.Diagnostics;
using System.Globalization;
using Mta.Core.Commands;
using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;

namespace Mta.Tools;

/// <summary>status, drain and undrain.</summary>
internal sealed partial class PostfixCommand
{
    // A look at a database that is away ends soon, whatever is wrong with it.
    private const int BriefLook = 2;
    private const int LongLook = 5;

    /// <summary>Postfix's answer and exit code; of a node that runs, the possible duplicates of all nodes on standard output.</summary>
    private async Task<int> StatusAsync(CancellationToken cancellationToken)
    {
        var code = await SayRunningAsync().ConfigureAwait(false);
        if (code != ExitCode.Ok)
        {
            return code;
        }

        try
        {
            var duplicates = await LookAsync(BriefLook, (reader, token) => reader.PossibleDuplicatesAsync(token), cancellationToken).ConfigureAwait(false);
            await terminal.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"possible duplicates: {duplicates}")).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // The question was whether the mail system runs.
        }

        return code;
    }

    private async Task<int> StatusOfAllAsync(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        if (await SayRunningAsync().ConfigureAwait(false) != ExitCode.Ok)
        {
            problems.Add("this node is not running");
        }

        var name = NodeName.Of(settings);
        try
        {
            var since = Stopwatch.GetTimestamp();
            var status = await LookAsync(LongLook, (reader, token) => reader.ReadAsync(token), cancellationToken).ConfigureAwait(false);
            await StatusText.WriteAsync(terminal, status, name, Stopwatch.GetElapsedTime(since), cancellationToken).ConfigureAwait(false);
            problems.AddRange(ClusterHealth.Problems(status, name, settings));
        }
        catch (StorageException e) when (StorageErrors.IsWithoutSchema(e))
        {
            problems.Add($"the database has no tables of this mail system yet, which the first start of a node makes: {e.Message}");
        }
        catch (StorageException e)
        {
            problems.Add(ToolDatabase.IsRefused(settings, e) ? ToolDatabase.Explain(settings, e) : $"the database cannot be reached: {e.Message}");
        }

        await StatusText.WriteHealthAsync(terminal, problems, cancellationToken).ConfigureAwait(false);
        return problems.Count == 0 ? ExitCode.Ok : ExitCode.Failure;
    }

    private Task<int> SayRunningAsync() => files.RunningMaster() is { } pid
        ? SayAsync(LogSeverity.Info, string.Create(CultureInfo.InvariantCulture, $"the Postfix mail system is running: PID: {pid}"))
        : SayAsync(LogSeverity.Info, "the Postfix mail system is not running", ExitCode.Failure);

    private async Task<int> DrainAsync(string action, string node, CancellationToken cancellationToken)
    {
        try
        {
            await using var database = await ToolDatabase.LookAsync(settings, DatabaseRole.Admin, "postfix", LongLook, cancellationToken).ConfigureAwait(false);
            var drains = action == "drain";
            return await new NodeAdministration(database.Source, LocalUser.Current.Name).DrainAsync(node, drains, cancellationToken).ConfigureAwait(false)
                ? await SayAsync(LogSeverity.Info, drains ? $"draining node {node}" : $"node {node} takes mail again").ConfigureAwait(false)
                : await SayAsync(LogSeverity.Fatal, $"no node has the name {node}").ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            return await SayAsync(LogSeverity.Fatal, ToolDatabase.Explain(settings, e)).ConfigureAwait(false);
        }
    }

    private async Task<T> LookAsync<T>(int seconds, Func<ClusterStatusReader, CancellationToken, ValueTask<T>> read, CancellationToken cancellationToken)
    {
        var database = await ToolDatabase.LookAsync(settings, DatabaseRole.Daemon, "postfix", seconds, cancellationToken).ConfigureAwait(false);
        try
        {
            // Each step has its limit, and all together: several hosts are tried one after the other.
            return await read(new ClusterStatusReader(database.Source), cancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(2 * seconds), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new StorageException(StorageFailure.Retry, string.Create(CultureInfo.InvariantCulture, $"database: no answer within {2 * seconds} s"));
        }
        finally
        {
            await database.DisposeAsync().ConfigureAwait(false);
        }
    }
}
