namespace Mta.Core.Lookup;

public sealed partial class MatchList
{
    private const int DeepestInclude = 10;

    /// <summary>Reads a list parameter. Never throws: an element that cannot be read makes matches fail that come as far as it.</summary>
    /// <param name="owner">The parameter's name, for messages.</param>
    /// <param name="matchesSubdomains">parent_domain_matches_subdomains names the parameter.</param>
    /// <param name="readFile">The text of a <c>/file/name</c> element; null when it cannot be read.</param>
    public static MatchList Parse(
        string owner, string text, MatchListKind kind, bool matchesSubdomains = false, Func<string, string?>? readFile = null)
    {
        var reader = new Reader(kind, readFile ?? (static _ => null));
        reader.Read(text, negated: false, depth: 0);
        return new MatchList(owner, kind, matchesSubdomains, [.. reader.Entries], [.. reader.Tables]);
    }

    private sealed class Reader(MatchListKind kind, Func<string, string?> readFile)
    {
        public List<Entry> Entries { get; } = [];

        public List<TableReference> Tables { get; } = [];

        public void Read(ReadOnlySpan<char> text, bool negated, int depth)
        {
            foreach (var token in new ListTokens(text))
            {
                var pattern = token;
                var not = negated;
                while (pattern is ['!', ..])
                {
                    not = !not;
                    pattern = pattern[1..];
                }

                if (pattern is ['/', ..])
                {
                    Include(pattern.ToString(), not, depth);
                }
                else
                {
                    Entries.Add(Element(pattern, not));
                }
            }
        }

        private void Include(string path, bool negated, int depth)
        {
            if (depth == DeepestInclude || readFile(path) is not { } content)
            {
                Entries.Add(new Entry(EntryKind.Error, negated, depth == DeepestInclude ? $"file {path} includes itself" : $"cannot open file {path}"));
                return;
            }

            foreach (var line in content.AsSpan().EnumerateLines())
            {
                if (line.TrimStart() is not ['#', ..])
                {
                    Read(line, negated, depth + 1);
                }
            }
        }

        private Entry Element(ReadOnlySpan<char> pattern, bool negated)
        {
            if (pattern.IsEmpty)
            {
                return new Entry(EntryKind.Error, negated, "no pattern specified after '!'");
            }

            if (pattern[0] != '[' && pattern.Contains(':'))
            {
                Tables.Add(TableReference.Parse(pattern));
                return new Entry(EntryKind.Table, negated, "", Table: Tables.Count - 1);
            }

            if (kind == MatchListKind.NamesAndAddresses)
            {
                var error = NetworkPattern.TryParse(pattern, out var network);
                if (error is null)
                {
                    return new Entry(EntryKind.Network, negated, pattern.ToString(), network);
                }

                // What has neither a mask nor brackets can still be a name.
                if (pattern.ContainsAny("/[]"))
                {
                    return new Entry(EntryKind.Error, negated, error);
                }
            }

            return new Entry(EntryKind.Name, negated, pattern.ToString());
        }
    }
}
