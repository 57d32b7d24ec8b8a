using System.Text;

namespace Mta.Core.Submission;

/// <summary>
/// Takes the addresses out of a list as people and programs write it: RFC 5322 section 3.4 with display names, groups, comments, quoted
/// local parts and source routes, and without them as well as can be (a missing comma separates, a missing bracket ends at the end).
/// </summary>
public static class AddressList
{
    /// <summary>The addresses in internal (unquoted) form, in order; <c>&lt;&gt;</c> gives an empty one.</summary>
    public static List<string> Parse(string text)
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
        // The mailbox had its address in brackets: what stands around it is its name.
        private bool bracketed;
        // A word ended and nothing joins it to the next one.
        private bool wordEnded;

        public List<string> Addresses { get; } = [];

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
                        wordEnded = true;
                        break;
                    case '[':
                        ReadLiteral();
                        break;
                    case '<':
                        position++;
                        address.Clear();
                        inBrackets = true;
                        wordEnded = false;
                        break;
                    case '>':
                        position++;
                        EndBrackets();
                        break;
                    case ',' when inBrackets:
                    case ':' when inBrackets:
                        // A source route (RFC 5321 appendix C): only what follows it counts.
                        position++;
                        address.Clear();
                        wordEnded = false;
                        break;
                    case ',' or ';':
                        position++;
                        EndMailbox();
                        break;
                    case ':':
                        // The name of a group.
                        position++;
                        address.Clear();
                        bracketed = false;
                        wordEnded = false;
                        break;
                    case '@' or '.' or '%' or '!':
                        position++;
                        address.Append(c);
                        wordEnded = false;
                        break;
                    default:
                        BeginWord();
                        ReadWord();
                        wordEnded = true;
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
                Addresses.Add(address.ToString());
                bracketed = true;
            }

            address.Clear();
            inBrackets = false;
            wordEnded = false;
        }

        private void EndMailbox()
        {
            if (!bracketed && address.Length > 0)
            {
                Addresses.Add(address.ToString());
            }

            address.Clear();
            bracketed = false;
            wordEnded = false;
        }

        // Two words with nothing between them: a display name if a bracket follows, else two addresses.
        private void BeginWord()
        {
            if (wordEnded && !inBrackets)
            {
                if (!bracketed && !BracketFollows())
                {
                    Addresses.Add(address.ToString());
                }

                address.Clear();
            }
        }

        private readonly bool BracketFollows()
        {
            var quoted = false;
            for (var i = position; i < text.Length; i++)
            {
                switch (text[i])
                {
                    case '\\':
                        i++;
                        break;
                    case '"':
                        quoted = !quoted;
                        break;
                    case '<' when !quoted:
                        return true;
                    case ',' or ';' when !quoted:
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
