using System.Collections.Frozen;

namespace Mta.Core.Config;

/// <summary>One row of <c>mta.parameter</c>.</summary>
/// <param name="Node">The node that it is for; null when it is for all.</param>
/// <param name="ChangedBy">Who wrote it.</param>
public sealed record StoredParameter(string Name, string Value, string? Node, string ChangedBy = "", DateTimeOffset ChangedAt = default);

/// <summary>The values of <c>mta.parameter</c> that a node takes, the node's own rows before the cluster's.</summary>
public sealed class StoredValues
{
    public static readonly StoredValues None = new([]);

    private StoredValues(IEnumerable<StoredParameter> rows)
    {
        Rows = rows.ToFrozenDictionary(r => r.Name, StringComparer.Ordinal);
        Values = Rows.ToFrozenDictionary(r => r.Key, r => r.Value.Value, StringComparer.Ordinal);
    }

    public FrozenDictionary<string, string> Values { get; }

    /// <summary>Where each value comes from.</summary>
    public FrozenDictionary<string, StoredParameter> Rows { get; }

    public bool IsEmpty => Values.Count == 0;

    /// <summary>The values for one node.</summary>
    public static StoredValues For(string node, IEnumerable<StoredParameter> rows)
    {
        var effective = new Dictionary<string, StoredParameter>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            var isForUs = row.Node is null || row.Node.Equals(node, StringComparison.Ordinal);
            if (isForUs && (row.Node is not null || !effective.ContainsKey(row.Name)))
            {
                effective[row.Name] = row;
            }
        }

        return effective.Count == 0 ? None : new StoredValues(effective.Values);
    }

    /// <summary>Whether the values are the same ones.</summary>
    public bool HasSameValuesAs(StoredValues other) =>
        Values.Count == other.Values.Count && Values.All(v => other.Values.TryGetValue(v.Key, out var value) && value == v.Value);

    /// <summary>The same with other rows, or none (null), for some names.</summary>
    public StoredValues With(IReadOnlyDictionary<string, StoredParameter?> changes) =>
        new(Rows.Values.Where(r => !changes.ContainsKey(r.Name)).Concat(changes.Values.OfType<StoredParameter>()));
}
