using System.Text;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Patterns;
using Mta.Services.Configuration;

namespace Mta.Services.Maps.Tables;

/// <summary><c>cidr:</c>, <c>regexp:</c> and <c>pcre:</c>, from a file or inline (<c>{{rule}, {rule}}</c>). Keys are not folded.</summary>
internal sealed class PatternTable : ILookupTable
{
    private readonly Func<string, LookupResult> find;
    private readonly bool takesBytes;

    private PatternTable(string reference, Func<string, LookupResult> find, bool takesBytes)
    {
        Reference = reference;
        this.find = find;
        this.takesBytes = takesBytes;
    }

    public string Reference { get; }

    public bool MatchesWholeKey => true;

    /// <param name="warn">Takes what is wrong with rules.</param>
    public static ILookupTable Open(PatternRules rules, Action<string> warn) =>
        Read(rules, out var problem) is { } lines ? Make(rules, lines, warn) : new FailingTable(rules.Reference.ToString(), problem!);

    /// <summary>A table of rules that were read already.</summary>
    public static ILookupTable Make(PatternRules rules, IReadOnlyList<RuleLine> lines, Action<string> warn)
    {
        var reference = rules.Reference;
        Func<string, LookupResult> find = reference.Type == "cidr"
            ? CidrRules.Read(reference.Name, lines, warn).Find
            : RegexRules.Read(reference.Type, reference.Name, lines, warn, rules.AllowsGroups).Find;
        return new PatternTable(reference.ToString(), find, rules.Bytes);
    }

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        if (takesBytes)
        {
            return new(find(key));
        }

        var result = find(Ascii.IsValid(key) ? key : InBytes(key));
        return new(result.Text is null || Ascii.IsValid(result.Text) ? result : result with { Text = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(result.Text)) });
    }

    /// <summary>Text as its bytes in UTF-8, each a character: what a dot matches in Postfix is a byte.</summary>
    public static string InBytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static List<RuleLine>? Read(PatternRules rules, out string? problem)
    {
        var reference = rules.Reference;
        if (reference.Name is ['{', ..])
        {
            return RuleLine.ReadInline(reference.Type, InBytes(reference.Name), out problem);
        }

        try
        {
            problem = null;
            return RuleLine.Read(File.ReadAllText(reference.Name, Encoding.Latin1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problem = $"open {reference.Name}: {OpenFailure.Reason(reference.Name, e)}";
            return null;
        }
    }
}
