using System.Collections.Concurrent;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps.Tables;

namespace Mta.Services.Maps;

/// <summary>
/// Opens lookup tables, each once a node: the query layer that all services share (what proxymap(8) is to Postfix). A table that cannot be
/// opened is one whose lookups fail, with one warning.
/// </summary>
public sealed class TableRegistry(MailLog log, TimeProvider time)
{
    private const string Tag = "proxymap";

    private readonly ConcurrentDictionary<string, OpenTable> tables = new(StringComparer.Ordinal);

    /// <summary>The table of a reference such as <c>hash:/etc/postfix/virtual</c>.</summary>
    public ILookupTable Open(string reference) => Open(TableReference.Parse(reference));

    /// <summary>The tables of a <c>*_maps</c> parameter.</summary>
    public TableList Open(Settings settings, Parameter<string> parameter)
    {
        var references = TableReference.ParseList(settings.Get(parameter));
        return references.Count == 0 ? TableList.Empty : new TableList([.. references.Select(Open)]);
    }

    /// <summary>The list of a parameter such as mynetworks, with its tables and files.</summary>
    public ListMatcher OpenList(Settings settings, Parameter<string> parameter, MatchListKind kind) =>
        OpenList(settings, parameter.Name, settings.Get(parameter), kind);

    /// <summary>A list whose text does not come from the parameter itself.</summary>
    /// <param name="owner">The parameter's name, for messages and for parent_domain_matches_subdomains.</param>
    public ListMatcher OpenList(Settings settings, string owner, string text, MatchListKind kind)
    {
        var list = MatchList.Parse(owner, text, kind, MatchesSubdomains(settings, owner), ReadFile);
        foreach (var error in list.Errors)
        {
            Warn($"{owner}: {error}");
        }

        return new ListMatcher(list, [.. list.Tables.Select(Open)]);
    }

    private static bool MatchesSubdomains(Settings settings, string owner)
    {
        foreach (var name in new ListTokens(settings.Get(Parameters.ParentDomainMatchesSubdomains)))
        {
            if (name.SequenceEqual(owner))
            {
                return true;
            }
        }

        return false;
    }

    private ILookupTable Open(TableReference reference)
    {
        var stamp = reference.Type == "texthash" ? FileStamp(reference.Name) : 0;
        if (tables.TryGetValue(reference.ToString(), out var known) && known.FileStamp == stamp)
        {
            return known.Table;
        }

        var table = Make(reference);
        if (table is FailingTable { Reason: var reason } && reference.Type != "fail")
        {
            Warn(reason);
        }

        tables[reference.ToString()] = new OpenTable(table, stamp);
        return table;
    }

    private ILookupTable Make(TableReference reference)
    {
        switch (reference.Type)
        {
            case "inline":
                var entries = InlineEntries.Parse(reference.Name, out var error);
                return entries is null ? new FailingTable(reference.ToString(), error!) : new MemoryTable(reference.ToString(), entries);
            case "static":
                return new StaticTable(reference);
            case "texthash":
                return TextHashTable.Open(reference, Warn);
            case "unix":
                return UnixTable.Open(reference, time);
            case "environ":
                return new EnvironmentTable(reference);
            case "fail":
                return new FailingTable(reference.ToString(), $"{reference} lookup fails on purpose");
            case "":
                return new FailingTable(reference.Name, $"need \"type:name\" form instead of: \"{reference.Name}\"");
            default:
                return new FailingTable(reference.ToString(), $"unsupported dictionary type: {reference.Type} ({reference})");
        }
    }

    /// <summary>Changes when the file does, so that a reload reads it again.</summary>
    private static long FileStamp(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? HashCode.Combine(file.LastWriteTimeUtc.Ticks, file.Length) : -1;
    }

    private static string? ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Warn(string text) => log.Warning(Tag, $"{text}");

    private readonly record struct OpenTable(ILookupTable Table, long FileStamp);
}
