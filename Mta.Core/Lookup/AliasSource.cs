using System.Text;

namespace Mta.Core.Lookup;

/// <summary>The lines of an aliases(5) file as postalias(1) reads them: <c>name: value, value</c>.</summary>
public static class AliasSource
{
    private enum TokenKind : byte
    {
        Operator,
        Atom,
        Quoted,
        Comment,
    }

    /// <summary>Reads one logical line. The name is unquoted; the value keeps its quotes and has its white space normalised.</summary>
    public static SourceLine Read(string line)
    {
        if (line.Contains('\ufffd'))
        {
            return new SourceLine(null, "", $"non-UTF-8 input \"{line.Replace('\ufffd', '?')}\" -- ignoring this line");
        }

        var name = new StringBuilder();
        var value = new StringBuilder();
        var tokens = new Tokens(line);
        var isLocal = true;
        var hasColon = false;
        var before = TokenKind.Operator;
        while (tokens.MoveNext())
        {
            if (!hasColon && tokens.Kind == TokenKind.Operator && tokens.Text is ":")
            {
                hasColon = true;
                before = TokenKind.Operator;
                continue;
            }

            isLocal &= hasColon || tokens.Text is not "@";
            Append(hasColon ? value : name, tokens, before, unquote: !hasColon);
            before = tokens.Kind;
        }

        if (!hasColon || name.Length == 0 || value.Length == 0)
        {
            return new SourceLine(null, "", "need name:value pair");
        }

        return isLocal ? new SourceLine(name.ToString(), value.ToString(), null) : new SourceLine(null, "", "name must be local");
    }

    private static void Append(StringBuilder target, in Tokens token, TokenKind before, bool unquote)
    {
        if (before != TokenKind.Operator && (token.Kind != TokenKind.Operator || token.Text is "<"))
        {
            target.Append(' ');
        }

        if (unquote && token.Kind is TokenKind.Quoted or TokenKind.Atom)
        {
            Unquote(target, token.Text);
        }
        else
        {
            target.Append(token.Text);
            target.Append(token.Text is "," ? " " : "");
        }
    }

    private static void Unquote(StringBuilder target, ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                target.Append(text[++i]);
            }
            else if (text[i] is not ('"' or '\\'))
            {
                target.Append(text[i]);
            }
        }
    }

    /// <summary>The lexical tokens of RFC 5322 section 3.2.</summary>
    private ref struct Tokens(ReadOnlySpan<char> line)
    {
        private const string Operators = "<>@,;:.";
        private const string EndOfAtom = "<>@,;:.()\"[] \t\r\n";

        private ReadOnlySpan<char> rest = line;

        public TokenKind Kind { get; private set; }

        public ReadOnlySpan<char> Text { get; private set; }

        public bool MoveNext()
        {
            rest = rest.TrimStart();
            if (rest.IsEmpty)
            {
                return false;
            }

            var first = rest[0];
            (Kind, var length) = first switch
            {
                '"' => (TokenKind.Quoted, Enclosed('"', '"')),
                '(' => (TokenKind.Comment, Enclosed('(', ')')),
                '[' => (TokenKind.Atom, Enclosed('[', ']')),
                _ when Operators.Contains(first) => (TokenKind.Operator, 1),
                _ => (TokenKind.Atom, Atom()),
            };
            Text = rest[..length];
            rest = rest[length..];
            return true;
        }

        private readonly int Atom()
        {
            var length = 0;
            while (length < rest.Length && (length == 0 || !EndOfAtom.Contains(rest[length])))
            {
                length += rest[length] == '\\' && length + 1 < rest.Length ? 2 : 1;
            }

            return length;
        }

        /// <summary>Up to the closing character, or to the end of the line when there is none.</summary>
        private readonly int Enclosed(char open, char close)
        {
            var depth = 0;
            for (var i = 0; i < rest.Length; i++)
            {
                var c = rest[i];
                if (c == '\\')
                {
                    i++;
                }
                else if (c == close && (depth > 1 || (open != close ? depth == 1 : i > 0)))
                {
                    if (--depth <= 0)
                    {
                        return i + 1;
                    }
                }
                else if (c == open)
                {
                    depth++;
                }
            }

            return rest.Length;
        }
    }
}
