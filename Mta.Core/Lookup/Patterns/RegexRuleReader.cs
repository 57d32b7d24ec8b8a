using System.Globalization;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>Reads the rules of a regexp: or pcre: table: <c>/pattern/flags result</c>, <c>!</c>, <c>if</c> and <c>endif</c>.</summary>
/// <param name="allowsGroups">False where a sender could choose by <c>$1</c> what a result is: such rules are left out.</param>
internal sealed class RegexRuleReader(string type, string name, Action<string> warn, TimeSpan timeLimit, bool allowsGroups)
{
    private const string Space = " \t\r\n";

    private readonly bool isPcre = type == "pcre";
    private readonly RuleList<RegexRule> rules = new();
    private int line;

    public RuleList<RegexRule> Read(IEnumerable<RuleLine> lines)
    {
        foreach (var (text, number) in lines)
        {
            line = number;
            Take(text);
        }

        foreach (var number in rules.Finish())
        {
            line = number;
            Warn("IF has no matching ENDIF");
        }

        return rules;
    }

    private void Take(string text)
    {
        if (RuleLine.TryKeyword(text, "if", out var rest))
        {
            Block(rest.ToString());
        }
        else if (RuleLine.TryKeyword(text, "endif", out rest))
        {
            if (!rest.IsEmpty)
            {
                Warn("ignoring extra text after ENDIF");
            }

            if (!rules.CloseBlock())
            {
                Warn("ignoring ENDIF without matching IF");
            }
        }
        else if (char.IsAsciiLetterOrDigit(text[0]))
        {
            Warn("ignoring unrecognized request");
        }
        else
        {
            Rule(text);
        }
    }

    private void Block(string text)
    {
        var position = 0;
        if (ReadPattern(text, ref position) is not { } pattern)
        {
            return;
        }

        var extra = text.AsSpan(position).Trim(Space);
        if (!extra.IsEmpty)
        {
            Warn($"ignoring extra text after IF statement: \"{extra}\"");
            Warn("do not prepend whitespace to statements between IF and ENDIF");
        }

        var regex = Compile(pattern, out var unsupported);
        if (regex is not null || unsupported is not null)
        {
            rules.OpenBlock(new RegexRule(regex, pattern.Negated, null, false, null, unsupported), line);
        }
    }

    private void Rule(string text)
    {
        var position = 0;
        if (ReadPattern(text, ref position) is not { } pattern)
        {
            return;
        }

        Source? second = null;
        if (!isPcre && position < text.Length && text[position] == '!')
        {
            second = ReadPattern(text, ref position);
            if (second is null)
            {
                return;
            }
        }

        var result = text.AsSpan(position).Trim(Space).ToString();
        if (result.Length == 0)
        {
            Warn("no replacement text: using empty string");
        }

        var replacement = Replacement.Read(result, out var problem, out var isSyntax);
        if (isSyntax)
        {
            warn(problem!);
        }
        else if (replacement is null)
        {
            Warn(isPcre ? problem! : problem!.Replace("out of range", "out-of-range", StringComparison.Ordinal));
        }

        problem = replacement is null ? "bad replacement syntax"
            : !replacement.HasGroups ? null
            : pattern.Negated ? "$number found in negative match replacement text"
            : !allowsGroups ? "regular expression substitution is not allowed"
            : null;
        if (problem is not null)
        {
            Skip(problem);
            return;
        }

        var regex = Compile(pattern, out var unsupported);
        Regex? except = null;
        if (second is not null && unsupported is null)
        {
            except = Compile(second, out unsupported);
        }

        var isBroken = unsupported is null && (regex is null || (second is not null && except is null));
        if (isBroken)
        {
            return;
        }

        if (unsupported is null && replacement!.LargestGroup > 0 && !regex!.GetGroupNumbers().Contains(replacement.LargestGroup))
        {
            Skip($"out of range replacement index \"{replacement.LargestGroup}\"");
            return;
        }

        rules.Add(new RegexRule(regex, pattern.Negated, except, second?.Negated ?? false, replacement, unsupported));
    }

    /// <summary>Reads <c>!</c>, the pattern between its delimiters, and its flags. Null when there is something wrong, which was warned of.</summary>
    private Source? ReadPattern(string text, ref int position)
    {
        var negated = false;
        for (; position < text.Length && (text[position] == '!' || Space.Contains(text[position])); position++)
        {
            negated ^= text[position] == '!';
        }

        if (position == text.Length)
        {
            Skip("no regexp");
            return null;
        }

        var delimiter = text[position++];
        var start = position;
        while (position < text.Length && text[position] != delimiter)
        {
            position += text[position] == '\\' && position + 1 < text.Length ? 2 : 1;
        }

        if (position >= text.Length)
        {
            Warn($"no closing regexp delimiter \"{delimiter}\": {(isPcre ? "ignoring" : "skipping")} this rule");
            return null;
        }

        var pattern = text[start..position++];
        start = position;
        while (position < text.Length && !Space.Contains(text[position]) && (isPcre || text[position] != '!'))
        {
            position++;
        }

        var known = isPcre ? "imsxAEUX" : "imx";
        var flags = text[start..position];
        if (flags.AsSpan().IndexOfAnyExcept(known) is >= 0 and var bad)
        {
            Skip($"unknown regexp option \"{flags[bad]}\"");
            return null;
        }

        for (var i = 0; i < flags.Length; i++)
        {
            if (flags[i] == 'X')
            {
                Warn("ignoring obsolete regexp option \"X\"");
            }
        }

        return new Source(pattern, negated, flags);
    }

    /// <summary>Null when the expression is wrong, which was warned of, or when it is right but not supported.</summary>
    private Regex? Compile(Source source, out string? unsupported)
    {
        unsupported = null;
        try
        {
            var options = RegexOptions.CultureInvariant
                | (source.Toggled('i') ? RegexOptions.None : RegexOptions.IgnoreCase);
            if (!isPcre)
            {
                var posix = PosixPattern.Translate(source.Pattern, extended: !source.Toggled('x'), multiline: source.Toggled('m'));
                return new Regex(posix, options | RegexOptions.Singleline, timeLimit);
            }

            options |= source.Toggled('s') ? RegexOptions.None : RegexOptions.Singleline;
            options |= source.Toggled('m') ? RegexOptions.Multiline : RegexOptions.None;
            return new Regex(PcrePattern.Translate(source.Pattern, source.PcreOptions), options, timeLimit);
        }
        catch (PatternException e) when (e.IsUnsupported)
        {
            unsupported = $"line {line}: {e.Message}";
            Warn($"{e.Message}: lookups that come to this rule fail");
        }
        catch (PatternException e)
        {
            Warn(isPcre ? string.Create(CultureInfo.InvariantCulture, $"error in regex at offset {e.Offset}: {e.Message}") : e.Message);
        }
        catch (RegexParseException e)
        {
            // What only this program's regular expressions do not know.
            unsupported = $"line {line}: {e.Message}";
            Warn($"{e.Message}: lookups that come to this rule fail");
        }

        return null;
    }

    private void Skip(string problem) => Warn($"{problem}: skipping this rule");

    private void Warn(string text) => warn($"{type} map {name}, line {line}: {text}");

    private sealed record Source(string Pattern, bool Negated, string Flags)
    {
        public PcreOptions PcreOptions =>
            (Toggled('x') ? PcreOptions.Extended : 0) | (Toggled('A') ? PcreOptions.Anchored : 0) | (Toggled('E') ? PcreOptions.DollarEndOnly : 0)
            | (Toggled('U') ? PcreOptions.Ungreedy : 0) | (Toggled('m') ? PcreOptions.Multiline : 0);

        /// <summary>Each flag turns its default around, and a second one turns it back.</summary>
        public bool Toggled(char flag) => (Flags.AsSpan().Count(flag) & 1) != 0;
    }
}
