using System.Text;
using Mta.Core.Addresses;

namespace Mta.Core.Headers;

/// <summary>
/// Completes one address: internal form in, internal form out; null leaves it as it is written. <paramref name="quotedLocalPart"/>: it was
/// quoted and has no domain, so that what looks like operators or a domain is none.
/// </summary>
public delegate string? CompleteAddress(string address, bool quotedLocalPart);

/// <summary>
/// Rewrites the addresses of a header such as To or From (RFC 5322 section 3.4), with display names, groups and comments kept. When an
/// address changes, the header is written anew: words apart by one space, a comma between addresses that lacked one, folded at addresses.
/// </summary>
public static class AddressHeader
{
    /// <summary>A line takes another address while it stays shorter than this.</summary>
    private const int FoldAt = 70;

    /// <summary>
    /// What stands between two commas may have this much beside its address; with more it is reduced to the address. Sendmail had to do so
    /// after CERT advisory CA-2003-07, and Postfix does it for those who run an older one behind it.
    /// </summary>
    private const int MostAroundAddress = 250;

    private const int ShownOfStripped = 100;

    /// <summary>The whole field, folded with LF and TAB, without the line end; null when no address changes.</summary>
    /// <param name="name">The field's name as it is to be written.</param>
    /// <param name="value">What stands behind the colon. Bytes above 127 come as one character each and stay that way.</param>
    /// <param name="tokenLimit">header_address_token_limit: what a header that is written anew has above it is dropped.</param>
    /// <param name="anyIsChange">An address that is given counts as a change also when it is the same, as in Postfix's generic maps.</param>
    /// <param name="stripped">Is told the start of each element that had too much around its address.</param>
    public static string? Rewrite(
        string name, ReadOnlySpan<char> value, CompleteAddress complete, int tokenLimit = int.MaxValue, bool anyIsChange = false, Action<string>? stripped = null)
    {
        var writer = new Writer(AddressToken.Read(value, tokenLimit), complete, anyIsChange);
        if (!writer.Run())
        {
            return null;
        }

        foreach (var element in (stripped is null ? null : writer.Stripped) ?? [])
        {
            stripped!(element);
        }

        return Fold($"{name}: {writer.Text}");
    }

    private static string Fold(string unfolded)
    {
        var text = unfolded.ToCharArray();
        var lineStart = 0;
        for (int item = 0, end; item <= text.Length; item = end + 1)
        {
            end = Array.IndexOf(text, '\n', item);
            end = end < 0 ? text.Length : end;
            if (item > 0 && end - lineStart < FoldAt)
            {
                text[item - 1] = ' ';
            }
            else
            {
                lineStart = item;
            }
        }

        return new string(text).Replace("\n", "\n\t", StringComparison.Ordinal);
    }

    private struct Writer(List<AddressToken> tokens, CompleteAddress complete, bool anyIsChange)
    {
        private readonly StringBuilder text = new();
        private int elementStart;
        private string? elementAddress;
        private bool changed;

        /// <summary>The starts of what had so much around its address that only the address was left.</summary>
        public List<string>? Stripped { get; private set; }

        public readonly string Text => text.ToString();

        /// <summary>True when an address changed.</summary>
        public bool Run()
        {
            var start = 0;
            for (var i = 0; i <= tokens.Count; i++)
            {
                if (i < tokens.Count && tokens[i].Is('<'))
                {
                    // Commas and colons of a source route separate nothing.
                    var close = tokens.FindIndex(i, t => t.Is('>'));
                    i = close < 0 ? i : close;
                }
                else if (i == tokens.Count || tokens[i].Is(',') || tokens[i].Is(';'))
                {
                    Mailbox(start, i);
                    Separate(i);
                    start = i + 1;
                }
                else if (tokens[i].Is(':') && tokens.FindIndex(i, t => t.Is(';')) > 0 && !(i > start && tokens[start].Is('@')))
                {
                    Words(start, i);
                    text.Append(": ");
                    start = i + 1;
                }
            }

            return changed;
        }

        private void Separate(int at)
        {
            if (at == tokens.Count)
            {
                EndElement();
                return;
            }

            if (tokens[at].Is(','))
            {
                Comma();
                return;
            }

            text.Append(';');
            if (at + 1 < tokens.Count && !tokens[at + 1].Is(',') && !tokens[at + 1].Is(';'))
            {
                Comma();
            }
        }

        private void Comma()
        {
            EndElement();
            text.Append(",\n");
            elementStart = text.Length;
            elementAddress = null;
        }

        private void EndElement()
        {
            if (elementAddress is null || text.Length - elementStart - elementAddress.Length <= MostAroundAddress)
            {
                return;
            }

            (Stripped ??= []).Add(text.ToString(elementStart, Math.Min(ShownOfStripped, text.Length - elementStart)));
            text.Length = elementStart;
            text.Append('<').Append(elementAddress).Append('>');
        }

        private void Mailbox(int start, int end)
        {
            var open = tokens.FindIndex(start, end - start, t => t.Is('<'));
            var close = open < 0 ? -1 : tokens.FindIndex(open, end - open, t => t.Is('>'));
            if (close < 0)
            {
                Plain(start, end);
                return;
            }

            Words(start, open);
            text.Append(open > start ? " <" : "<");
            Address(open + 1, close);
            text.Append('>');
            if (close + 1 < end && tokens[close + 1].Kind != AddressTokenKind.Comment && !tokens[close + 1].Is('<'))
            {
                Comma();
            }
            else if (close + 1 < end && tokens[close + 1].Is('<'))
            {
                text.Append(' ');
            }

            Mailbox(close + 1, end);
        }

        /// <summary>Addresses without brackets: a word behind a word begins the next one, comments move to the end.</summary>
        private void Plain(int start, int end)
        {
            var first = true;
            for (var i = start; i < end;)
            {
                if (tokens[i].Kind == AddressTokenKind.Comment)
                {
                    i++;
                    continue;
                }

                if (tokens[i].Is('>'))
                {
                    // It closes nothing, and ends an address all the same.
                    text.Append('>');
                    first = false;
                    i++;
                    continue;
                }

                if (!first)
                {
                    Comma();
                }

                first = false;
                var (begin, last) = (i, i++);
                for (; i < end && !tokens[i].Is('>') && !(tokens[i].IsWord && tokens[last].IsWord && tokens[i].Kind != AddressTokenKind.Comment); i++)
                {
                    last = tokens[i].Kind == AddressTokenKind.Comment ? last : i;
                }

                Address(begin, last + 1);
            }

            for (var i = start; i < end; i++)
            {
                if (tokens[i].Kind == AddressTokenKind.Comment)
                {
                    if (text.Length > 0 && text[^1] is not ('\n' or '>' or ' '))
                    {
                        text.Append(' ');
                    }

                    text.Append(tokens[i].Text);
                }
            }
        }

        private readonly void Words(int start, int end)
        {
            for (var i = start; i < end; i++)
            {
                if (i > start && tokens[i].IsWord && tokens[i - 1].IsWord)
                {
                    text.Append(' ');
                }

                tokens[i].AppendTo(text);
            }
        }

        private void Address(int start, int end)
        {
            if (start >= end)
            {
                return;
            }

            var (quoted, hasDomain) = (false, false);
            var address = new StringBuilder();
            var written = new StringBuilder();
            for (var i = start; i < end; i++)
            {
                quoted |= tokens[i].Kind == AddressTokenKind.Quoted;
                hasDomain |= tokens[i].Is('@');
                if (tokens[i].Kind != AddressTokenKind.Comment)
                {
                    address.Append(tokens[i].Text);
                    tokens[i].AppendTo(written);
                }
            }

            if (complete(WithoutRoute(start, end, address.ToString()), quoted && !hasDomain) is not { } internalForm)
            {
                elementAddress = written.ToString();
                text.Append(written);
                return;
            }

            // What was quoted without need, or not quoted against the rules, counts as a change too.
            var completed = AddressQuoting.ToExternal(internalForm);
            completed = completed.Length == 0 ? "\"\"" : completed;
            changed |= anyIsChange || !written.Equals(completed);
            elementAddress = completed;
            text.Append(completed);
        }

        /// <summary>RFC 5322 section 4.4: a route such as <c>@a,@b:</c> in front of the address is dropped.</summary>
        private readonly string WithoutRoute(int start, int end, string address)
        {
            var colon = tokens[start].Is('@') ? tokens.FindIndex(start, end - start, t => t.Is(':')) : -1;
            return colon < 0 || colon + 1 == end ? address : address[(address.IndexOf(':', StringComparison.Ordinal) + 1)..];
        }
    }
}
