using System.Text;

namespace Mta.Core.Config;

/// <summary>The result of an expansion: the text, or what is wrong with it.</summary>
public readonly record struct Expansion(string Value, string? Error);

/// <summary>
/// Expands <c>$name</c>, <c>${name}</c>, <c>$(name)</c>, <c>${name?text}</c>, <c>${name:text}</c>, <c>${name?{text}:{text}}</c>,
/// <c>${{x} == {y} ? {text} : {text}}</c> and <c>${function{text}}</c> as postconf(5) describes; <c>$$</c> is a dollar sign.
/// An undefined name is empty. Never throws.
/// </summary>
public sealed partial class Expander
{
    /// <summary>As in Postfix: deeper nesting is taken for a value that refers to itself.</summary>
    private const int NestingLimit = 100;

    /// <summary>Values that double at each level would fill the memory long before the nesting limit.</summary>
    private const int LengthLimit = 1 << 20;

    private const int ReferenceLimit = 100_000;

    private const int ShownLength = 20;

    private readonly Func<string, string?> lookup;
    private readonly bool recursive;
    private readonly StringBuilder output = new();
    private Action<string>? scanned;
    private Action<string>? undefined;
    private int references;
    private string? error;

    private Expander(Func<string, string?> lookup, bool recursive)
    {
        this.lookup = lookup;
        this.recursive = recursive;
    }

    /// <param name="recursive">Whether the values that <paramref name="lookup"/> gives are expanded too.</param>
    /// <param name="undefined">Called for a name whose value is wanted and that has none.</param>
    public static Expansion Expand(string text, Func<string, string?> lookup, bool recursive = true, Action<string>? undefined = null)
    {
        if (!text.Contains('$'))
        {
            return new Expansion(text, null);
        }

        var expander = new Expander(lookup, recursive) { undefined = undefined };
        return expander.Append(text, 0) ? new Expansion(expander.output.ToString(), null) : new Expansion("", expander.error);
    }

    /// <summary>
    /// Goes through a text without any values, with both sides of every choice, and names all that it refers to. Gives what is wrong with
    /// the syntax, null when nothing is.
    /// </summary>
    public static string? Scan(string text, Action<string> reference)
    {
        var expander = new Expander(static _ => null, recursive: false) { scanned = reference };
        return expander.Append(text, 0) ? null : expander.error;
    }

    private bool Append(ReadOnlySpan<char> text, int level)
    {
        if (level > NestingLimit)
        {
            return FailNesting(text);
        }

        var whole = text;
        while (true)
        {
            var dollar = text.IndexOf('$');
            output.Append(dollar < 0 ? text : text[..dollar]);
            if (output.Length > LengthLimit)
            {
                return Fail("the expanded value is unreasonably long");
            }

            if (dollar < 0)
            {
                return true;
            }

            text = text[dollar..];
            if (text.Length > 1 && text[1] == '$')
            {
                output.Append('$');
                text = text[2..];
                continue;
            }

            if (!AppendReference(whole, ref text, level))
            {
                return false;
            }
        }
    }

    /// <summary>Takes the reference at the start of <paramref name="text"/> off it.</summary>
    private bool AppendReference(ReadOnlySpan<char> whole, scoped ref ReadOnlySpan<char> text, int level)
    {
        if (++references > ReferenceLimit)
        {
            return Fail("the value has unreasonably many $name references");
        }

        if (text.Length > 1 && text[1] is '{' or '(')
        {
            var end = FindClose(text[1..]);
            if (end < 0)
            {
                return Fail($"truncated macro reference: \"{whole}\"");
            }

            var content = text.Slice(2, end - 1);
            if (content.IsEmpty)
            {
                return Fail($"empty macro name: \"{whole}\"");
            }

            text = text[(end + 2)..];
            return AppendBraced(content, level);
        }

        var length = 1 + NameLength(text[1..]);
        if (length == 1)
        {
            return Fail($"empty macro name: \"{whole}\"");
        }

        var name = text[1..length].ToString();
        text = text[length..];
        return AppendValue(name, level);
    }

    private bool AppendValue(string name, int level)
    {
        if (scanned is not null)
        {
            scanned(name);
            return true;
        }

        var value = lookup(name);
        if (value is null)
        {
            undefined?.Invoke(name);
            return true;
        }

        if (!recursive)
        {
            output.Append(value);
            return true;
        }

        return Append(value, level + 1);
    }

    /// <summary>Where the parenthesis closes that <paramref name="text"/> begins with; negative when it does not.</summary>
    private static int FindClose(ReadOnlySpan<char> text)
    {
        var (open, close) = text[0] == '{' ? ('{', '}') : ('(', ')');
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == open)
            {
                depth++;
            }
            else if (text[i] == close && --depth == 0)
            {
                return i;
            }
        }

        return -1;
    }

    private static int NameLength(ReadOnlySpan<char> text)
    {
        var length = 0;
        while (length < text.Length && (char.IsAsciiLetterOrDigit(text[length]) || text[length] == '_'))
        {
            length++;
        }

        return length;
    }

    private bool Fail(string reason)
    {
        error ??= reason;
        return false;
    }

    /// <summary>What stands at the limit: as in Postfix, the text before a name and the name.</summary>
    private bool FailNesting(ReadOnlySpan<char> text)
    {
        const string reason = "unreasonable macro call nesting";
        var dollar = text.IndexOf('$');
        var name = dollar < 0 ? default : text[(dollar + 1)..].TrimStart("{(");
        name = name[..NameLength(name)];
        return dollar == 0 || text.IsEmpty ? Fail($"{reason}: \"{name}\"")
            : dollar < 0 ? Fail($"{reason}: \"{text}\"")
            : Fail($"{reason}: \"{text[..dollar]}\"\n{reason}: \"{name}\"");
    }

    /// <summary>As in Postfix, with the text before the place where the syntax ends and a piece of what stands there.</summary>
    private bool FailAt(string reason, string before, ReadOnlySpan<char> rest) => Fail($"{reason} at: \"...{before}>>>{rest[..Math.Min(rest.Length, ShownLength)]}\"");
}
