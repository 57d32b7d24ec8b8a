using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Configuration;
using Mta.Services.Maps;

namespace Mta.Tools.Import;

/// <summary>
/// Finds every table that a configuration names: in any value, nested in other tables or behind <c>proxy:</c>, <c>!</c> or a restriction.
/// So it also finds those in parameters and restriction classes of the administrator's own.
/// </summary>
internal static class TableUses
{
    private static readonly string[] Types =
    [
        "hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "cidr", "regexp", "pcre", "pgsql", "mysql", "sqlite", "ldap", "mongodb",
        "memcache", "nis", "nisplus", "netinfo", "tcp", "socketmap",
    ];

    /// <summary>Values where a colon means something else, or whose tables are for one of Postfix's processes.</summary>
    private static readonly string[] NotTables = ["import_environment", "proxy_read_maps", "proxy_write_maps", "mail_version", "default_database_type"];

    public static IReadOnlyList<TableUse> Find(PostfixConfiguration configuration)
    {
        var found = new Dictionary<TableReference, TableUse>();
        var settings = configuration.Settings;
        foreach (var parameter in Parameters.All)
        {
            if (!settings.IsSet(parameter.Name))
            {
                Collect(found, settings, parameter.Name, parameter.Name, isDefault: true);
            }
        }

        foreach (var name in settings.Names)
        {
            Collect(found, settings, name, name, isDefault: false);
        }

        foreach (var service in configuration.MasterCf.Services)
        {
            var own = LoadedConfiguration.ForService(settings, service);
            foreach (var (name, _) in service.Overrides)
            {
                Collect(found, own, name, $"{service.Name}: {name}", isDefault: false);
            }
        }

        return [.. found.Values];
    }

    /// <summary>Databases that the program fills by itself; their content has no worth elsewhere.</summary>
    public static bool IsCache(string name) =>
        name.EndsWith("_session_cache_database", StringComparison.Ordinal) || name.EndsWith("_cache_map", StringComparison.Ordinal)
        || name.EndsWith("address_verify_map", StringComparison.Ordinal);

    private static void Collect(Dictionary<TableReference, TableUse> found, Settings settings, string name, string user, bool isDefault)
    {
        if (NotTables.Contains(name))
        {
            return;
        }

        var text = "";
        try
        {
            text = settings.Text(name) ?? "";
        }
        catch (SettingsException)
        {
            // The check of the new configuration says so.
        }

        var before = "";
        foreach (var range in Words(text))
        {
            var word = range.TrimStart('!');
            if (Reference(word) is { } reference)
            {
                Use(found, reference).Add(user, TableKinds.Of(name, before), isDefault);
            }

            before = word;
        }
    }

    private static TableUse Use(Dictionary<TableReference, TableUse> found, TableReference reference)
    {
        // The path names a stored table, whichever of the types stands before it.
        var identity = reference.IsStored ? new TableReference("stored", reference.Name) : reference;
        if (!found.TryGetValue(identity, out var use))
        {
            found.Add(identity, use = new TableUse(reference));
        }

        return use;
    }

    /// <summary>Braces hold tables, rules or one element together; each part is looked at by itself.</summary>
    private static IEnumerable<string> Words(string text) =>
        text.Split([' ', '\t', '\r', '\n', ',', '{', '}'], StringSplitOptions.RemoveEmptyEntries);

    private static TableReference? Reference(string word)
    {
        while (word.StartsWith("proxy:", StringComparison.Ordinal) || word.StartsWith("debug:", StringComparison.Ordinal))
        {
            word = word[6..];
        }

        // What ends in a slash is the beginning of references, as in "indexed = hash:/etc/postfix/", and no table.
        var reference = TableReference.Parse(word);
        return Types.Contains(reference.Type) && reference.Name is [.., not '/'] ? reference : null;
    }
}
