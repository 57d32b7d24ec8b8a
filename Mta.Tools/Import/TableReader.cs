using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mta.Core.Lookup;
using Mta.Services.Configuration;
using Mta.Storage.Maps;
using Mta.Tools.Postmap;

namespace Mta.Tools.Import;

/// <summary>The entries of one of Postfix's tables.</summary>
/// <param name="Entries">Null when there are none to be had; then <paramref name="Problem"/> says why and what to do.</param>
/// <param name="From">Where they came from.</param>
/// <param name="Warnings">What is wrong with lines of the source.</param>
internal sealed record TableContent(Dictionary<string, string>? Entries, string From, string? Problem, IReadOnlyList<string> Warnings);

/// <summary>
/// Reads tables of a Postfix: their source files, and where one is gone, the indexed file beside it by means of Postfix's own postmap(1).
/// </summary>
internal sealed class TableReader(string configuration, ForeignSockets sockets)
{
    private static readonly string[] Places = ["/usr/sbin/postmap", "/usr/local/sbin/postmap", "/opt/postfix/sbin/postmap"];

    public async Task<TableContent> ReadAsync(TableUse use, CancellationToken cancellationToken)
    {
        var path = use.Reference.Name;
        var indexed = path + Suffix(use.Reference.Type);
        if (!File.Exists(path))
        {
            return File.Exists(indexed)
                ? await ReadIndexedAsync(use, indexed, cancellationToken).ConfigureAwait(false)
                : new TableContent(null, path, $"open {path}: No such file or directory", []);
        }

        var warnings = new List<string>();
        try
        {
            var text = await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
            var entries = new TableSource(path, use.Kind == LookupKind.Aliases, warnings.Add)
            {
                Convert = use.HoldsFiles ? ValueFiles.Of(path, keepsPrivileges: false).Encode : null,
            }.Read(text);
            ReplaceSockets(use, entries, warnings);
            if (File.Exists(indexed) && File.GetLastWriteTimeUtc(indexed) < File.GetLastWriteTimeUtc(path))
            {
                warnings.Add($"{path}: newer than {indexed}, which Postfix answers from; what was imported is the source file");
            }

            return new TableContent(entries, path, null, warnings);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new TableContent(null, path, $"open {path}: {OpenFailure.Reason(path, e)}", warnings);
        }
    }

    private static string Suffix(string type) => type switch { "lmdb" => ".lmdb", "cdb" => ".cdb", "dbm" or "sdbm" => ".pag", _ => ".db" };

    private async Task<TableContent> ReadIndexedAsync(TableUse use, string indexed, CancellationToken cancellationToken)
    {
        var reference = use.Reference;
        var mend = $"no source file {reference.Name}, only {indexed}";
        if (Places.FirstOrDefault(IsPostfix) is not { } postmap)
        {
            return new TableContent(
                null, indexed, $"{mend}: where Postfix is installed, run \"postmap -s {reference} > {reference.Name}\" and import again", []);
        }

        var start = new ProcessStartInfo(postmap, ["-c", configuration, "-s", reference.ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        var text = await output.ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            return new TableContent(null, indexed, $"{mend}, and {postmap} cannot read it: {(await error.ConfigureAwait(false)).Trim()}", []);
        }

        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var tab = line.IndexOf('\t', StringComparison.Ordinal);

            // postalias(1) adds entries for NIS servers.
            if (tab > 0 && line[..tab] is not ("@" or "YP_LAST_MODIFIED" or "YP_MASTER_NAME"))
            {
                entries.TryAdd(line[..tab].ToLowerInvariant(), line[(tab + 1)..]);
            }
        }

        List<string> warnings = [$"{mend}: read with {postmap} -s"];
        ReplaceSockets(use, entries, warnings);
        return new TableContent(entries, indexed, null, warnings);
    }

    /// <summary>Sockets of other programs, in results of transport tables and FILTER actions, are written out as in main.cf.</summary>
    private void ReplaceSockets(TableUse use, Dictionary<string, string> entries, List<string> warnings)
    {
        var path = use.Reference.Name;
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            if (value.Contains(':', StringComparison.Ordinal) && use.Kind != LookupKind.Aliases)
            {
                entries[key] = sockets.Replace(value, socket => counts[socket] = counts.GetValueOrDefault(socket) + 1);
            }
        }

        foreach (var (socket, count) in counts)
        {
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: {socket} is another program's socket; stored as {sockets.Queue}/{socket} ({count} entries); write it so in the file too, before the next postmap"));
        }
    }

    /// <summary>Where a file that is read in place names such a socket, its line and the socket.</summary>
    public IEnumerable<string> FindSockets(string path)
    {
        var found = new List<string>();
        var number = 0;
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            number++;
            if (line is not ['#', ..])
            {
                sockets.Replace(line, socket => found.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{path}, line {number}: {socket} is another program's socket, below Postfix's queue directory: write {sockets.Queue}/{socket}")));
            }
        }

        return found;
    }

    /// <summary>True for the program of a Postfix, and not for our own under the same name.</summary>
    private static bool IsPostfix(string path) =>
        File.Exists(path) && Path.GetDirectoryName(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path) + "/" != AppContext.BaseDirectory;
}
