using Mta.Core.Lookup;
using Mta.Storage.Maps;

namespace Mta.Tools.Import;

/// <summary>A table that a configuration names, and where.</summary>
internal sealed class TableUse(TableReference reference)
{
    private readonly List<string> users = [];
    private readonly List<string> defaults = [];
    private LookupKind? kind;
    private LookupKind? defaultKind;

    /// <summary>As it is named first.</summary>
    public TableReference Reference => reference;

    /// <summary>The parameters, with their service when master.cf sets them; those with a default value only when there are no others.</summary>
    public IReadOnlyList<string> Users => users.Count > 0 ? users : defaults;

    /// <summary>How its rows are used; a table that is used in several ways is a plain map, but the source of aliases has a syntax of its own.</summary>
    public LookupKind Kind => (users.Count > 0 ? kind : defaultKind) ?? LookupKind.Map;

    /// <summary>True when only a default names it, so that it need not be there.</summary>
    public bool IsOptional => users.Count == 0;

    /// <summary>True when its values are files (tls_server_sni_maps).</summary>
    public bool HoldsFiles => users.Exists(u => u.EndsWith("tls_server_sni_maps", StringComparison.Ordinal));

    /// <param name="use">Null where the use says nothing about the rows.</param>
    public void Add(string user, LookupKind? use, bool isDefault)
    {
        var list = isDefault ? defaults : users;
        if (!list.Contains(user))
        {
            list.Add(user);
        }

        // A default that repeats a parameter of the administrator's says nothing new about the rows.
        if (isDefault)
        {
            defaultKind = Combined(defaultKind, use);
        }
        else
        {
            kind = Combined(kind, use);
        }
    }

    private static LookupKind? Combined(LookupKind? before, LookupKind? use) => (before, use) switch
    {
        (LookupKind.Aliases, _) or (_, LookupKind.Aliases) => LookupKind.Aliases,
        (null, _) => use,
        (_, null) => before,
        _ => before == use ? before : LookupKind.Map,
    };
}
