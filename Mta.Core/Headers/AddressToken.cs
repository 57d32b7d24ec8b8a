using System.Buffers;
using System.Text;

namespace Mta.Core.Headers;

internal enum AddressTokenKind : byte
{
    Atom,
    Quoted,
    Comment,
    Literal,
    Special,
}

/// <summary>A token of an address header (RFC 5322 section 3.2). <paramref name="Text"/> has neither quotes nor backslashes, but for comments and literals.</summary>
internal readonly record struct AddressToken(AddressTokenKind Kind, string Text)
{
    private const string Specials = "<>,;:@.%!";

    private static readonly SearchValues<char> NotInAtom = SearchValues.Create(
        Specials + "()[]\"\\ \u007f" + string.Concat(Enumerable.Range(0, 32).Select(c => (char)c)));

    /// <summary>A word stands apart from the next one; operators join.</summary>
    public bool IsWord => Kind != AddressTokenKind.Special;

    public bool Is(char special) => Kind == AddressTokenKind.Special && Text[0] == special;

    /// <summary>Reads <paramref name="text"/>, no more than <paramref name="limit"/> tokens; what is not closed ends with it.</summary>
    public static List<AddressToken> Read(ReadOnlySpan<char> text, int limit)
    {
        var tokens = new List<AddressToken>();
        var at = 0;
        while (at < text.Length && tokens.Count < limit)
        {
            var c = text[at];
            switch (c)
            {
                case ' ' or '\t' or '\r' or '\n':
                    at++;
                    break;
                case '(':
                    tokens.Add(new AddressToken(AddressTokenKind.Comment, Comment(text, ref at)));
                    break;
                case '"':
                    tokens.Add(new AddressToken(AddressTokenKind.Quoted, Quoted(text, ref at)));
                    break;
                case '[':
                    var close = text[at..].IndexOf(']');
                    var length = close < 0 ? text.Length - at : close + 1;
                    tokens.Add(new AddressToken(AddressTokenKind.Literal, close < 0 ? $"{text.Slice(at, length)}]" : text.Slice(at, length).ToString()));
                    at += length;
                    break;
                case var special when Specials.Contains(special):
                    tokens.Add(new AddressToken(AddressTokenKind.Special, special.ToString()));
                    at++;
                    break;
                default:
                    var atom = Atom(text, ref at);
                    tokens.Add(new AddressToken(NeedsQuotes(atom) ? AddressTokenKind.Quoted : AddressTokenKind.Atom, atom));
                    break;
            }
        }

        return tokens;
    }

    /// <summary>Adds the token as it stands in a header.</summary>
    public void AppendTo(StringBuilder target)
    {
        if (Kind != AddressTokenKind.Quoted)
        {
            target.Append(Text);
            return;
        }

        target.Append('"');
        foreach (var c in Text)
        {
            if (c is '"' or '\\')
            {
                target.Append('\\');
            }

            target.Append(c);
        }

        target.Append('"');
    }

    /// <summary>A backslash brought in what no atom has.</summary>
    private static bool NeedsQuotes(string atom) => atom.AsSpan().ContainsAny(NotInAtom);

    private static string Atom(ReadOnlySpan<char> text, ref int at)
    {
        var atom = new StringBuilder();
        for (; at < text.Length && !" \t\r\n(\"[".Contains(text[at]) && !Specials.Contains(text[at]); at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            atom.Append(text[at]);
        }

        return atom.ToString();
    }

    private static string Quoted(ReadOnlySpan<char> text, ref int at)
    {
        var quoted = new StringBuilder();
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
            }

            quoted.Append(text[at] is '\r' or '\n' or '\t' ? ' ' : text[at]);
        }

        at++;
        return quoted.ToString();
    }

    /// <summary>Comments nest (RFC 5322 section 3.2.2).</summary>
    private static string Comment(ReadOnlySpan<char> text, ref int at)
    {
        var start = at;
        var depth = 0;
        do
        {
            depth += text[at] switch { '(' => 1, ')' => -1, _ => 0 };
            at += text[at] == '\\' ? 2 : 1;
        }
        while (depth > 0 && at < text.Length);

        at = Math.Min(at, text.Length);
        var comment = text[start..at].ToString();
        return comment.AsSpan().ContainsAny("\r\n\t") ? comment.Replace('\r', ' ').Replace('\n', ' ').Replace('\t', ' ') : comment;
    }
}
