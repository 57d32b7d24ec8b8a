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

    private readonly Func<string, string?> lookup;
    private readonly bool recursive;
    private readonly StringBuilder output = new();
    private int references;
    private string? error;

    private Expander(Func<string, string?> lookup, bool recursive)
    {
        this.lookup = lookup;
        this.recursive = recursive;
    }

    /// <param name="recursive">Whether the values that <paramref name="lookup"/> gives are expanded too.</param>
    public static Expansion Expand(string text, Func<string, string?> lookup, bool recursive = true)
    {
        if (!text.Contains('$'))
        {
            return new Expansion(text, null);
        }

        var expander = new Expander(lookup, recursive);
        return expander.Append(text, 0) ? new Expansion(expander.output.ToString(), null) : new Expansion("", expander.error);
    }

    private bool Append(ReadOnlySpan<char> text, int level)
    {
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

            if (!AppendReference(ref text, level))
            {
                return false;
            }
        }
    }

    /// <summary>Takes the reference at the start of <paramref name="text"/> off it.</summary>
    private bool AppendReference(ref ReadOnlySpan<char> text, int level)
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
                return Fail($"truncated macro reference: \"{Excerpt(text)}\"");
            }

            var content = text.Slice(2, end - 1);
            text = text[(end + 2)..];
            return AppendBraced(content, level);
        }

        var length = 1 + NameLength(text[1..]);
        if (length == 1)
        {
            return Fail($"empty macro name: \"{Excerpt(text)}\" (a dollar sign is written as $$)");
        }

        var name = text[1..length].ToString();
        text = text[length..];
        return AppendValue(name, level);
    }

    private bool AppendValue(string name, int level)
    {
        var value = lookup(name);
        if (value is null)
        {
            return true;
        }

        if (!recursive)
        {
            output.Append(value);
            return true;
        }

        return level >= NestingLimit ? Fail($"unreasonable macro call nesting: \"{name}\"") : Append(value, level + 1);
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

    private bool FailAt(string reason, ReadOnlySpan<char> whole, ReadOnlySpan<char> rest) =>
        Fail($"{reason} at: \"...{Excerpt(whole[..^rest.Length])}>>>{Excerpt(rest)}\"");

    private static string Excerpt(ReadOnlySpan<char> text) => text.Length <= 60 ? text.ToString() : string.Concat(text[..60], "...");
}
