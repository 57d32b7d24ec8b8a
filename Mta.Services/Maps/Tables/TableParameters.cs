using System.Runtime.CompilerServices;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Configuration;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// The parameters of a table that is described by more than its name (pgsql, sqlite, ldap, memcache): those of a file in the form of main.cf
/// when the name is a path, else those of main.cf itself under the name as prefix.
/// </summary>
internal sealed class TableParameters
{
    private readonly Func<string, string?> get;

    private TableParameters(Func<string, string?> get) => this.get = get;

    /// <summary>Null when it is not set.</summary>
    public string? Get(string name) => get(name);

    /// <returns>Null with the reason when the file cannot be read.</returns>
    public static TableParameters? Read(TableReference reference, Settings? settings, out string? problem)
    {
        problem = null;
        if (!IsFile(reference))
        {
            return new TableParameters(name => settings?.Text($"{reference.Name}_{name}"));
        }

        try
        {
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in MainCf.Parse(reference.Name, File.ReadAllText(reference.Name)).Entries)
            {
                values[entry.Name] = entry.Value;
            }

            return new TableParameters(values.GetValueOrDefault);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problem = $"open {reference.Name}: {OpenFailure.Reason(reference.Name, e)}";
            return null;
        }
    }

    /// <summary>Another one when the parameters may have changed.</summary>
    public static long Stamp(TableReference reference, Settings? settings) =>
        IsFile(reference) ? FileStamp.Of(reference.Name) : settings is null ? 0 : RuntimeHelpers.GetHashCode(settings);

    private static bool IsFile(TableReference reference) => reference.Name is ['/' or '.', ..];
}
