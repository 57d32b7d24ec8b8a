using System.Text;

namespace Mta.Core.Submission;

/// <param name="Address">In internal form.</param>
/// <param name="QuotedLocalPart">It was quoted and has no domain: what looks like operators or a domain is none.</param>
public readonly record struct ListedAddress(string Address, bool QuotedLocalPart);

/// <summary>
/// Takes the addresses out of a list as people and programs write it: RFC 5322 section 3.4 with display names, groups, comments, quoted
/// local parts and source routes, and without them as well as can be (a missing comma separates; quotes, comments and literals that are not closed end at the end).
/// </summary>
public static class AddressList
{
    /// <summary>The addresses in internal (unquoted) form, in order; <c>&lt;&gt;</c> gives an empty one.</summary>
    public static List<string> Parse(string text) => Read(text).ConvertAll(a => a.Address);

    /// <summary>The same, with what the internal form does not tell.</summary>
    public static List<ListedAddress> Read(string text)
    {
        var parser = new Parser(text);
        parser.Run();
        return parser.Addresses;
    }

    private ref struct Parser(string text)
    {
        private readonly string text = text;
        private readonly StringBuilder address = new();
        private int position;
        private bool inBrackets;
        private bool hasToken;
        private bool hasQuotes;
        private bool hasDomain;
        // A word ended and nothing joins it to the next one.
        private bool wordEnded;

        public List<ListedAddress> Addresses { get; } = [];

        public void Run()
        {
            while (position < text.Length)
            {
                var c = text[position];
                switch (c)
                {
                    case ' ' or '\t' or '\r' or '\n':
                        position++;
                        break;
                    case '(':
                        SkipComment();
                        break;
                    case '"':
                        BeginWord();
                        ReadQuoted();
                        (hasToken, hasQuotes, wordEnded) = (true, true, true);
                        break;
                    case '[':
                        ReadLiteral();
                        hasToken = true;
                        break;
                    case '<' when Follows('>', "<"):
                        position++;
                        Clear();
                        inBrackets = true;
                        break;
                    case '>':
                        position++;
                        EndBrackets();
                        break;
                    case ',' when inBrackets:
                    case ':' when inBrackets:
                        // A source route (RFC 5321 appendix C): only what follows it counts.
                        position++;
                        Clear();
                        break;
                    case ',' or ';':
                        position++;
                        EndMailbox();
                        break;
                    case ':' when Follows(';', ":"):
                        // The name of a group.
                        position++;
                        Clear();
                        break;
                    case '@' or '.' or '%' or '!' or '<' or ':' or ')':
                        position++;
                        address.Append(c);
                        hasToken = true;
                        hasDomain |= c == '@';
                        wordEnded = false;
                        break;
                    default:
                        BeginWord();
                        ReadWord();
                        (hasToken, wordEnded) = (true, true);
                        break;
                }
            }

            if (inBrackets)
            {
                EndBrackets();
            }

            EndMailbox();
        }

        private void EndBrackets()
        {
            if (inBrackets)
            {
                Add();
            }

            Clear();
            inBrackets = false;
        }

        private void EndMailbox()
        {
            if (hasToken)
            {
                Add();
            }

            Clear();
        }

        private readonly void Add() => Addresses.Add(new ListedAddress(address.ToString(), hasQuotes && !hasDomain));

        private void Clear()
        {
            address.Clear();
            (hasToken, hasQuotes, hasDomain, wordEnded) = (false, false, false, false);
        }

        // Two words with nothing between them: a display name if a bracket follows, else two addresses.
        private void BeginWord()
        {
            if (wordEnded && !inBrackets)
            {
                if (!Follows('<', ",;"))
                {
                    Add();
                }

                Clear();
            }
        }

        /// <summary><paramref name="wanted"/> comes, outside quotes, before any of <paramref name="before"/>.</summary>
        private readonly bool Follows(char wanted, string before)
        {
            var quoted = false;
            for (var i = position + 1; i < text.Length; i++)
            {
                switch (text[i])
                {
                    case '\\':
                        i++;
                        break;
                    case '"':
                        quoted = !quoted;
                        break;
                    case var c when !quoted && c == wanted:
                        return true;
                    case var c when !quoted && before.Contains(c, StringComparison.Ordinal):
                        return false;
                    default:
                        break;
                }
            }

            return false;
        }

        private void ReadWord()
        {
            while (position < text.Length && !" \t\r\n()<>,;:\"[@.%!".Contains(text[position], StringComparison.Ordinal))
            {
                if (text[position] == '\\' && position + 1 < text.Length)
                {
                    position++;
                }

                address.Append(text[position++]);
            }

            if (position < text.Length && text[position] == '[')
            {
                address.Append(text[position++]);
            }
        }

        private void ReadQuoted()
        {
            for (position++; position < text.Length && text[position] != '"'; position++)
            {
                if (text[position] == '\\' && position + 1 < text.Length)
                {
                    position++;
                }

                if (text[position] is not ('\r' or '\n'))
                {
                    address.Append(text[position]);
                }
            }

            position = Math.Min(position + 1, text.Length);
        }

        private void ReadLiteral()
        {
            var end = text.IndexOf(']', position);
            end = end < 0 ? text.Length - 1 : end;
            address.Append(text, position, end - position + 1);
            address.Append(text[end] == ']' ? "" : "]");
            position = end + 1;
            wordEnded = true;
        }

        // Comments nest (RFC 5322 section 3.2.2).
        private void SkipComment()
        {
            var depth = 0;
            do
            {
                switch (text[position])
                {
                    case '\\':
                        position++;
                        break;
                    case '(':
                        depth++;
                        break;
                    case ')':
                        depth--;
                        break;
                    default:
                        break;
                }

                position++;
            }
            while (depth > 0 && position < text.Length);
        }
    }
}
