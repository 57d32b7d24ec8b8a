using Mta.Core.Config;
using Mta.Core.Lookup;

namespace Mta.Services.Maps.Stored;

/// <summary>Which stored tables have source files in aliases(5) syntax: those of alias_maps and alias_database.</summary>
internal sealed class AliasReferences
{
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly HashSet<string> optional = new(StringComparer.Ordinal);

    private AliasReferences(Settings? settings) => Settings = settings;

    public static AliasReferences None { get; } = new(null);

    /// <summary>The settings that these are from.</summary>
    public Settings? Settings { get; }

    public static AliasReferences Of(Settings settings)
    {
        var result = new AliasReferences(settings);
        result.Add(settings, Parameters.AliasMaps);
        result.Add(settings, Parameters.AliasDatabase);
        return result;
    }

    public bool Contains(string name) => names.Contains(name);

    /// <summary>Nobody asked for the table: it is the default of alias_maps, and a system need not have aliases.</summary>
    public bool IsOptional(string name) => optional.Contains(name);

    private void Add(Settings settings, Parameter<string> parameter)
    {
        foreach (var reference in TableReference.ParseList(settings.Get(parameter)))
        {
            names.Add(reference.Name);
            if (parameter == Parameters.AliasMaps && !settings.IsSet(parameter.Name))
            {
                optional.Add(reference.Name);
            }
        }
    }
}
