using System.Text;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Patterns;

namespace Mta.Services.Maps.Tables;

/// <summary><c>cidr:</c>, <c>regexp:</c> and <c>pcre:</c>, from a file or inline (<c>{{rule}, {rule}}</c>). Keys are not folded.</summary>
internal sealed class PatternTable : ILookupTable
{
    private readonly Func<string, LookupResult> find;

    private PatternTable(string reference, Func<string, LookupResult> find)
    {
        Reference = reference;
        this.find = find;
    }

    public string Reference { get; }

    public bool MatchesWholeKey => true;

    /// <param name="warn">Takes what is wrong with rules.</param>
    /// <param name="bytes">Keys and results are bytes, each a character (Latin-1), and so are the rules: messages are not always text.</param>
    public static ILookupTable Open(TableReference reference, Action<string> warn, bool bytes = false)
    {
        return Read(reference, bytes, out var problem) is { } lines ? Make(reference, lines, warn) : new FailingTable(reference.ToString(), problem!);
    }

    /// <summary>A table of rules that were read already.</summary>
    public static ILookupTable Make(TableReference reference, IReadOnlyList<RuleLine> lines, Action<string> warn)
    {
        Func<string, LookupResult> find = reference.Type == "cidr"
            ? CidrRules.Read(reference.Name, lines, warn).Find
            : RegexRules.Read(reference.Type, reference.Name, lines, warn).Find;
        return new PatternTable(reference.ToString(), find);
    }

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => new(find(key));

    private static List<RuleLine>? Read(TableReference reference, bool bytes, out string? problem)
    {
        if (reference.Name is ['{', ..])
        {
            var rules = bytes ? Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(reference.Name)) : reference.Name;
            return RuleLine.ReadInline(reference.Type, rules, out problem);
        }

        try
        {
            problem = null;
            return RuleLine.Read(File.ReadAllText(reference.Name, bytes ? Encoding.Latin1 : Encoding.UTF8));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problem = $"open {reference.Name}: {e.Message}";
            return null;
        }
    }
}
