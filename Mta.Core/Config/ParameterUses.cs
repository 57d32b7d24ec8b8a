namespace Mta.Core.Config;

/// <summary>
/// What reads the names that the parameter table does not have: services of master.cf, restriction classes, lookup tables that are
/// described in main.cf, and <c>$name</c> in other values. A name that a service sets with <c>-o</c> hides main.cf's from that service.
/// </summary>
internal sealed class ParameterUses
{
    private readonly Dictionary<string, string> main = new(StringComparer.Ordinal);
    private readonly HashSet<string> services = new(StringComparer.Ordinal);
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private readonly Dictionary<MasterService, HashSet<string>> usedByService = [];
    private readonly HashSet<(string, string)> files = [];
    private readonly List<string> undefinedClasses = [];

    public ParameterUses(MainCf mainCf, MasterCf? masterCf)
    {
        foreach (var entry in mainCf.Entries)
        {
            main[entry.Name] = entry.Value;
        }

        foreach (var service in masterCf?.Services ?? [])
        {
            services.UnionWith(TransportParameters.OfService(service.Name, service.Command).Select(p => p.Name));
        }

        Collect(main, [], used);
        foreach (var service in masterCf?.Services ?? [])
        {
            if (service.Overrides.Count > 0)
            {
                var own = new Dictionary<string, string>(StringComparer.Ordinal);
                foreach (var (name, value) in service.Overrides)
                {
                    own[name] = value;
                }

                Collect(own, own, usedByService[service] = new HashSet<string>(StringComparer.Ordinal));
            }
        }
    }

    /// <summary>The values of main.cf that count.</summary>
    public IReadOnlyDictionary<string, string> Main => main;

    /// <summary>Files that describe lookup tables, with the type.</summary>
    public IEnumerable<(string Type, string Path)> Files => files;

    /// <summary>Restriction classes that have no value.</summary>
    public IReadOnlyList<string> UndefinedClasses => undefinedClasses;

    /// <summary>Whether the program has the name by itself.</summary>
    public bool IsKnown(string name) => Parameters.ByName.ContainsKey(name) || services.Contains(name);

    /// <summary>Whether main.cf's value of the name is read.</summary>
    public bool IsUsed(string name) => IsKnown(name) || used.Contains(name);

    /// <summary>Whether a service's own value of the name is read: by another one of its own, or by main.cf's, which the service sees too.</summary>
    public bool IsUsed(MasterService service, string name) => IsUsed(name) || usedByService[service].Contains(name);

    private void Collect(Dictionary<string, string> values, Dictionary<string, string> own, HashSet<string> ownUsed)
    {
        foreach (var (name, value) in values)
        {
            Expander.Scan(value, Use);
            if (!IsKnown(name) || !(value.Contains(':') || value.Contains('$') || name == "smtpd_restriction_classes"))
            {
                continue;
            }

            var expanded = Expander.Expand(value, Value).Value;
            TableDescriptions.Find(expanded, UseTable, null);
            foreach (var restrictions in name == "smtpd_restriction_classes" ? ValueList.Split(expanded) : [])
            {
                Use(restrictions);
                if (Value(restrictions) is null)
                {
                    undefinedClasses.Add(restrictions);
                }
            }
        }

        void Use(string name) => (own.ContainsKey(name) ? ownUsed : used).Add(name);

        string? Value(string name) =>
            own.TryGetValue(name, out var value) || main.TryGetValue(name, out value) ? value : Parameters.ByName.GetValueOrDefault(name)?.DefaultText;

        void UseTable(string type, string table)
        {
            if (table[0] is '/' or '.')
            {
                files.Add((type, table));
                return;
            }

            foreach (var parameter in TableDescriptions.Of(type)!)
            {
                Use($"{table}_{parameter}");
            }
        }
    }
}
