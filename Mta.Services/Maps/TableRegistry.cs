using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;
using Mta.Services.Clients;
using Mta.Services.Maps.Ldap;
using Mta.Services.Maps.Stored;
using Mta.Services.Maps.Tables;
using Mta.Storage.Connections;
using Mta.Storage;
using Mta.Storage.Maps;
using Npgsql;

namespace Mta.Services.Maps;

/// <summary>
/// Opens lookup tables, each once a node: the query layer that all services share (what proxymap(8) is to Postfix). A table that cannot be
/// opened is one whose lookups fail, with one warning.
/// </summary>
public sealed class TableRegistry : IAsyncDisposable
{
    private const string Tag = "proxymap";

    private readonly MailLog log;
    private readonly TimeProvider time;
    private readonly LookupStore? store;
    private readonly LookupWriter? writer;
    private readonly TableWatcher? watcher;
    private readonly StoredTableLimits limits;
    private readonly Lock opening = new();
    private readonly Dictionary<string, OpenTable> tables = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> owned = [];
    private volatile Settings? settings;
    private readonly FileTables files = new();
    private volatile AliasReferences aliases = AliasReferences.None;

    /// <param name="source">Where stored tables are; null when there are none. The caller disposes it, after the registry.</param>
    public TableRegistry(MailLog log, TimeProvider time, DatabasePool? source = null)
        : this(log, time, source, new StoredTableLimits())
    {
    }

    internal TableRegistry(MailLog log, TimeProvider time, DatabasePool? source, StoredTableLimits limits)
    {
        this.limits = limits;
        this.log = log;
        this.time = time;
        if (source is not null)
        {
            store = new LookupStore(source);
            writer = new LookupWriter(source);
            watcher = new TableWatcher(store, time, Warn);
        }
    }

    /// <summary>The table of a reference such as <c>hash:/etc/postfix/virtual</c>.</summary>
    public ILookupTable Open(string reference) => Open(TableReference.Parse(reference));

    /// <summary>Where tables with parameters in main.cf (<c>pgsql:name</c>) find them from now on.</summary>
    public void Use(Settings settings)
    {
        if (this.settings != settings)
        {
            files.Add(settings);
            this.settings = settings;
        }
    }

    /// <summary>The tables of a <c>*_maps</c> parameter.</summary>
    public TableList Open(Settings settings, Parameter<string> parameter, TableTrust trust = TableTrust.Any)
    {
        if (aliases.Settings != settings)
        {
            aliases = AliasReferences.Of(settings);
        }

        Use(settings);

        var references = TableReference.ParseList(settings.Get(parameter));
        var kind = TableKinds.Of(parameter.Name, "") ?? LookupKind.Map;
        return references.Count == 0 ? TableList.Empty : new TableList([.. references.Select(r => Open(r, kind, trust))]) { Name = parameter.Name };
    }

    /// <summary>The tables of header_checks and the like, which are asked with pieces of messages.</summary>
    public ContentTables OpenForContent(Settings settings, Parameter<string> parameter)
    {
        Use(settings);
        return new ContentTables([.. TableReference.ParseList(settings.Get(parameter)).Select(OpenForContent)]);
    }

    /// <summary>One table for pieces of messages: of regular expressions another one than that for addresses, since it takes bytes.</summary>
    internal (ILookupTable Table, bool TakesBytes) OpenForContent(TableReference reference)
    {
        if (reference.Type is not ("regexp" or "pcre"))
        {
            return (Open(reference), false);
        }

        lock (opening)
        {
            return (OpenOnce($"content:{reference}", FileStamp.Of(reference.Name), reference, () => MakePatterns(reference, bytes: true, TableTrust.Any)), true);
        }
    }

    /// <summary>The list of a parameter such as mynetworks, with its tables and files.</summary>
    public ListMatcher OpenList(Settings settings, Parameter<string> parameter, MatchListKind kind) =>
        OpenList(settings, parameter.Name, settings.Get(parameter), kind);

    /// <summary>A list whose text does not come from the parameter itself.</summary>
    /// <param name="owner">The parameter's name, for messages and for parent_domain_matches_subdomains.</param>
    public ListMatcher OpenList(Settings settings, string owner, string text, MatchListKind kind)
    {
        Use(settings);
        var list = MatchList.Parse(owner, text, kind, MatchesSubdomains(settings, owner), ReadFile);
        foreach (var error in list.Errors)
        {
            Warn($"{owner}: {error}");
        }

        return new ListMatcher(list, [.. list.Tables.Select(Open)]);
    }

    /// <summary>
    /// Reads all stored tables that were opened, imports the source files of those that are missing, and starts to watch for changes.
    /// What cannot be read now is read at its first lookup.
    /// </summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (watcher is null)
        {
            return;
        }

        foreach (var table in watcher.Tables)
        {
            try
            {
                await table.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                Warn($"{table.Reference}: {e.Message}");
            }
        }

        watcher.Start();
    }

    /// <summary>Asks the database for changes at once: somebody heard the notification <c>mta_lookup</c>.</summary>
    public void Poke() => watcher?.Poke();

    /// <summary>One round of asking for changes, for tests.</summary>
    internal Task PollAsync(CancellationToken cancellationToken) => watcher?.PollAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (watcher is not null)
        {
            await watcher.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var table in owned)
        {
            await table.DisposeAsync().ConfigureAwait(false);
        }
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

    private ILookupTable Open(TableReference reference) => Open(reference, LookupKind.Map, TableTrust.Any);

    /// <param name="kind">What a table is to become whose file is imported.</param>
    private ILookupTable Open(TableReference reference, LookupKind kind, TableTrust trust)
    {
        lock (opening)
        {
            return OpenOnce(reference, kind, trust);
        }
    }

    private ILookupTable OpenOnce(TableReference reference, LookupKind kind, TableTrust trust)
    {
        // The path names a stored table, whichever of the types stands before it.
        var identity = reference.IsStored ? "stored:" + reference.Name
            : trust != TableTrust.Any && DependsOnTrust(reference) ? $"{trust}:{reference}"
            : reference.ToString();
        var stamp = reference.Type switch
        {
            "texthash" or "cidr" or "regexp" or "pcre" => FileStamp.Of(reference.Name),
            "pgsql" or "sqlite" or "ldap" or "memcache" => TableParameters.Stamp(reference, settings),
            _ => 0,
        };
        return OpenOnce(identity, stamp, reference, () => Make(reference, kind, trust));
    }

    private static bool DependsOnTrust(TableReference reference) =>
        reference.Type is "regexp" or "pcre" or "tcp" or "socketmap" or "memcache" or "unionmap" or "pipemap" or "debug";

    private ILookupTable OpenOnce(string identity, long stamp, TableReference reference, Func<ILookupTable> make)
    {
        if (tables.TryGetValue(identity, out var known) && known.FileStamp == stamp)
        {
            return known.Table;
        }

        var table = make();
        if (table is FailingTable failing && reference.Type != "fail")
        {
            Warn($"{reference} is unavailable. {failing.Reason}");
        }

        tables[identity] = new OpenTable(table, stamp);
        if (table is IWatchedTable watched)
        {
            watcher!.Watch(watched, inPlaceOf: known.Table as IWatchedTable);
        }

        return table;
    }

    private ILookupTable MakePatterns(TableReference reference, bool bytes, TableTrust trust)
    {
        var rules = new PatternRules(reference, bytes, AllowsGroups: trust == TableTrust.Any);
        return store is not null && reference.Name is not ['{', ..] ? new StoredPatternTable(rules, store, Warn) : PatternTable.Open(rules, Warn);
    }

    private ILookupTable Make(TableReference reference, LookupKind kind, TableTrust trust)
    {
        if (reference.IsStored)
        {
            return MakeStored(reference, kind);
        }

        if (trust == TableTrust.Secure && reference.Type is "tcp" or "socketmap" or "memcache")
        {
            var data = reference.Type == "tcp" ? "security sensitive data" : "security-sensitive data";
            return new FailingTable(reference.ToString(), $"{reference} map is not allowed for {data}");
        }

        switch (reference.Type)
        {
            case "inline":
                var entries = InlineEntries.Parse(reference.Name, out var error);
                return entries is null ? new FailingTable(reference.ToString(), error!) : new MemoryTable(reference.ToString(), entries);
            case "static":
                return StaticTable.Open(reference);
            case "texthash":
                return TextHashTable.Open(reference, Warn);
            case "unix":
                return UnixTable.Open(reference, time);
            case "environ":
                return new EnvironmentTable(reference);
            case "cidr":
            case "regexp":
            case "pcre":
                return MakePatterns(reference, bytes: false, trust);
            case "pgsql":
            case "sqlite":
            case "ldap":
            case "memcache":
                return MakeDescribed(reference);
            case "tcp":
            case "socketmap":
                var server = TableServerTable.Open(reference, Warn);
                if (server is IAsyncDisposable disposable)
                {
                    owned.Add(disposable);
                }

                return server;
            case "unionmap":
            case "pipemap":
                return CombinedTable.Open(reference, r => OpenOnce(r, LookupKind.Map, trust));
            case "randmap":
                return RandomTable.Open(reference);
            case "debug":
                return new LoggingTable(reference, OpenOnce(TableReference.Parse(reference.Name), LookupKind.Map, trust), log);
            case "fail":
                return new FailingTable(reference.ToString(), "Application error");
            case "":
                return new FailingTable(reference.Name, $"need \"type:name\" form instead of: \"{reference.Name}\"");
            default:
                return new FailingTable(reference.ToString(), $"unsupported dictionary type: {reference.Type}");
        }
    }

    private ILookupTable MakeDescribed(TableReference reference)
    {
        if (TableParameters.Read(reference, settings, out var problem) is not { } parameters)
        {
            return new FailingTable(reference.ToString(), problem!);
        }

        var table = reference.Type switch
        {
            "pgsql" => MakePgsql(reference, parameters, ref problem),
            "sqlite" => SqlTableConfig.Read(parameters.Get, out problem) is { } config
                ? new SqliteTable(reference, parameters.Get("dbpath") ?? "", config, OpenDomains(reference, config.Results.Domains), Warn)
                : null,
            "ldap" => LdapTableConfig.Read(parameters.Get, out problem) is { } config
                ? new LdapTable(reference, config, OpenDomains(reference, config.Results.Domains), Warn)
                : null,
            _ => (ILookupTable?)(MemcacheConfig.Read(parameters.Get, out problem) is { } config
                ? new MemcacheTable(reference, config, config.Backup.Length > 0 ? OpenOnce(TableReference.Parse(config.Backup), LookupKind.Map, TableTrust.Any) : null, OpenDomains(reference, config.Domains), Warn)
                : null),
        };
        if (table is IAsyncDisposable disposable)
        {
            owned.Add(disposable);
        }

        return table ?? new FailingTable(reference.ToString(), problem!);
    }

    private ILookupTable? MakePgsql(TableReference reference, TableParameters parameters, ref string? problem)
    {
        if (SqlTableConfig.Read(parameters.Get, out problem) is not { } config)
        {
            return null;
        }

        try
        {
            var database = new ForeignDatabase(
                ValueList.Split(parameters.Get("hosts") ?? ""), parameters.Get("user") ?? "", parameters.Get("password") ?? "", parameters.Get("dbname") ?? "", time);
            return new PgsqlTable(reference, config, database, OpenDomains(reference, config.Results.Domains), Warn);
        }
        catch (ArgumentException e)
        {
            problem = $"bad host: {e.Message}";
            return null;
        }
    }

    private ListMatcher? OpenDomains(TableReference reference, string domains) =>
        domains.Length == 0 ? null : OpenList(settings ?? new Settings([]), reference.ToString(), domains, MatchListKind.Strings);

    private ILookupTable MakeStored(TableReference reference, LookupKind kind)
    {
        if (store is null || writer is null)
        {
            return new FailingTable(reference.ToString(), $"open database {reference.Name}: there is no database here");
        }

        kind = aliases.Contains(reference.Name) ? LookupKind.Aliases : kind;
        return new StoredTable(new StoredTableSource(reference, kind, aliases.IsOptional(reference.Name), store, writer, limits, Warn, files.MayRead), store, limits, time);
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
