using System.Globalization;
using System.Text;

namespace Mta.Core.Showq;

/// <summary>How many messages or recipients wait, by domain and age, laid out as qshape(1) does.</summary>
public sealed class QueueShapeTable
{
    private const string Total = "TOTAL";
    private const int NarrowestDomain = 18;

    private readonly Dictionary<string, Row> rows = new(StringComparer.Ordinal);
    private readonly int buckets;
    private readonly bool parents;

    /// <param name="buckets">Columns of ages; the last has no limit.</param>
    /// <param name="parents">Counts parent domains too, which begin with a dot.</param>
    public QueueShapeTable(int buckets, bool parents)
    {
        this.buckets = buckets;
        this.parents = parents;
        rows[Total] = new Row(buckets);
    }

    /// <summary>Adds what waits for (or from) a domain. An empty name is that of the null sender.</summary>
    /// <param name="bucket">From 1 on.</param>
    public void Add(string domain, int bucket, long count)
    {
        ArgumentNullException.ThrowIfNull(domain);
        rows[Total].Add(bucket, count);
        string? name = Normal(domain);
        var isNewChild = false;
        while (name is not null)
        {
            if (!rows.TryGetValue(name, out var row))
            {
                rows[name] = row = new Row(buckets);
            }

            if (isNewChild)
            {
                row.Children++;
            }

            isNewChild = row.Counts[0] == 0;
            row.Add(bucket, count);
            name = parents ? Parent(name) : null;
        }
    }

    /// <summary>The table.</summary>
    /// <param name="minimumChildren">Parent domains with fewer subdomains are left out.</param>
    /// <param name="unit">Minutes of the first bucket.</param>
    /// <param name="linear">Each bucket is as long as the first; otherwise twice as long as the one before.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="limit">Rows at most; 0 for all.</param>
    public string Format(int minimumChildren, int unit, bool linear, int width, int limit)
    {
        var heads = Heads(unit, linear);
        var widths = new int[buckets + 1];
        var domainWidth = width;
        for (var i = 0; i <= buckets; i++)
        {
            var longest = Math.Max(heads[i].Length, rows[Total].Counts[i].ToString(CultureInfo.InvariantCulture).Length);
            widths[i] = longest > 2 ? longest + 1 : 3;
            domainWidth -= widths[i];
        }

        domainWidth = Math.Max(domainWidth, NarrowestDomain);
        var text = new StringBuilder();
        AppendLine(text, "", domainWidth, heads, widths);
        var shown = rows
            .Where(r => !r.Key.StartsWith('.') || r.Value.Children >= minimumChildren)
            .OrderByDescending(r => r.Value.Counts[0]).ThenBy(r => r.Key.Length).ThenBy(r => r.Key, StringComparer.Ordinal);
        foreach (var (name, row) in limit > 0 ? shown.Take(limit) : shown)
        {
            AppendLine(text, name, domainWidth, [.. row.Counts.Select(c => c.ToString(CultureInfo.InvariantCulture))], widths);
        }

        return text.ToString();
    }

    private string[] Heads(int unit, bool linear)
    {
        var heads = new string[buckets + 1];
        heads[0] = "T";
        long limit = 0;
        for (var i = 1; i < buckets; i++)
        {
            limit += limit > 0 && !linear ? limit : unit;
            heads[i] = limit.ToString(CultureInfo.InvariantCulture);
        }

        heads[buckets] = string.Create(CultureInfo.InvariantCulture, $"{limit}+");
        return heads;
    }

    private static void AppendLine(StringBuilder text, string name, int domainWidth, string[] values, int[] widths)
    {
        // The end of a name tells more than its beginning.
        var shown = name.Length <= domainWidth ? name
            : name[0] == '.' ? string.Concat(".+", name.AsSpan(name.Length - domainWidth + 2))
            : string.Concat("+", name.AsSpan(name.Length - domainWidth + 1));
        text.Append(shown.PadLeft(domainWidth));
        for (var i = 0; i < values.Length; i++)
        {
            text.Append(values[i].PadLeft(widths[i]));
        }

        text.Append('\n');
    }

    private static string Normal(string domain)
    {
        if (domain.Length == 0)
        {
            return "MAILER-DAEMON";
        }

        var name = domain.Replace("..", ".", StringComparison.Ordinal).Trim('.');
        return name.Length > 0 ? name : domain;
    }

    /// <summary><c>.b.c</c> for <c>a.b.c</c> and for <c>.a.b.c</c>; null where that would be a top-level domain.</summary>
    private static string? Parent(string name)
    {
        var dot = name.IndexOf('.', 1);
        return dot > 0 && name.IndexOf('.', dot + 1) > 0 ? name[dot..] : null;
    }

    private sealed class Row(int buckets)
    {
        public long[] Counts { get; } = new long[buckets + 1];

        public int Children { get; set; }

        public void Add(int bucket, long count)
        {
            Counts[0] += count;
            Counts[bucket] += count;
        }
    }
}
