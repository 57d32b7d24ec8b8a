using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;
using Mta.Services.Maps.Tables;
using Mta.Storage;

namespace Mta.Services.Maps.Ldap;

/// <summary>
/// <c>ldap:</c>, a search in a directory (ldap_table(5)). One connection, which is made again when it broke. The library waits in the thread
/// that asks, so that lookups do so beside the thread pool's other work.
/// </summary>
internal sealed class LdapTable(TableReference reference, LdapTableConfig config, ListMatcher? domains, Action<string> warn)
    : QueryTable(reference, config.Results, domains, warn)
{
    private const string AnyEntry = "(objectClass=*)";

    private readonly SemaphoreSlim turn = new(1, 1);
    private LdapSession? kept;

    public override ValueTask DisposeAsync()
    {
        kept?.Dispose();
        turn.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override async Task<IReadOnlyList<string>?> AskAsync(string key, CancellationToken cancellationToken)
    {
        if (KeyTemplate.Query(config.SearchBase, key, KeyQuoting.LdapName) is not { } searchBase
            || KeyTemplate.Query(config.QueryFilter, key, KeyQuoting.LdapFilter) is not { } filter)
        {
            return null;
        }

        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Ask(searchBase, filter), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    private List<string> Ask(string searchBase, string filter)
    {
        var isStale = kept is not null;
        while (true)
        {
            try
            {
                kept ??= LdapSession.Open(config);
                return Collect(kept, searchBase, filter);
            }
            catch (StorageException)
            {
                // The server may have closed a connection that was idle; a new one decides.
                kept?.Dispose();
                kept = null;
                if (!isStale)
                {
                    throw;
                }

                isStale = false;
            }
        }
    }

    private List<string> Collect(LdapSession session, string searchBase, string filter)
    {
        var values = new List<string>();
        var found = session.Search(searchBase, config.Scope, filter, config.Attributes, out var baseIsMissing);
        // A base made of the key may well not be there; one that is fixed is a mistake.
        if (baseIsMissing && !config.SearchBase.Contains('%'))
        {
            throw new StorageException(StorageFailure.Fatal, $"LDAP: search base {searchBase}: {LibLdap.Describe(LibLdap.NoSuchObject)}");
        }

        Collect(session, found, 0, values);
        return values;
    }

    private void Collect(LdapSession session, List<List<LdapAttribute>> entries, int depth, List<string> values)
    {
        if (depth >= config.RecursionLimit)
        {
            throw new StorageException(StorageFailure.Fatal, $"Recursion limit exceeded: more than {config.RecursionLimit} entries refer to each other");
        }

        foreach (var entry in entries)
        {
            var isTerminal = entry.Exists(a => Has(config.TerminalAttributes, a));
            var isGroup = entry.Exists(a => Has(config.SpecialAttributes, a));
            foreach (var attribute in entry)
            {
                if (Has(config.TerminalAttributes, attribute)
                    || (!isTerminal && (Has(config.ResultAttributes, attribute) || (!isGroup && Has(config.LeafAttributes, attribute)))))
                {
                    values.AddRange(attribute.Values);
                }
                else if (!isTerminal && Has(config.SpecialAttributes, attribute))
                {
                    foreach (var value in attribute.Values)
                    {
                        Collect(session, Refer(session, value), depth + 1, values);
                    }
                }
            }
        }
    }

    /// <summary>The entries that a name or an LDAP URL stands for.</summary>
    private List<List<LdapAttribute>> Refer(LdapSession session, string value)
    {
        var url = LdapUrl.Parse(value);
        var attributes = url is null || url.Attributes.Length == 0
            ? config.Attributes
            : [.. config.Attributes.Where(a => url.Attributes.Contains(a, StringComparer.OrdinalIgnoreCase))];
        if (attributes.Count == 0)
        {
            return [];
        }

        var entries = url is null
            ? session.Search(value, 0, AnyEntry, attributes, out var isMissing)
            : session.Search(url.SearchBase, url.Scope, url.Filter, attributes, out isMissing);
        if (isMissing)
        {
            Warn($"{Reference}: DN {value} not found, skipping");
        }

        return entries;
    }

    private static bool Has(string[] names, LdapAttribute attribute) =>
        attribute.Values.Count > 0 && names.Contains(attribute.Name, StringComparer.OrdinalIgnoreCase);
}
