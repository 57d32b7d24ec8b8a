using System.Text;

namespace Mta.Core.Mime;

/// <summary>What the conversion needs to know of a Content-Type header (RFC 2045 section 5).</summary>
internal readonly struct ContentType
{
    private ContentType(string type, string subtype, List<byte[]>? boundaries = null)
    {
        Type = type;
        Subtype = subtype;
        Boundaries = boundaries ?? (IReadOnlyList<byte[]>)[];
    }

    public static ContentType Text => new("text", "plain");

    /// <summary>The default inside multipart/digest (RFC 2046 section 5.1.5).</summary>
    public static ContentType Message => new("message", "rfc822");

    /// <summary>In lower case.</summary>
    public string Type { get; }

    public string Subtype { get; }

    /// <summary>The boundary parameter, unquoted; null when absent.</summary>
    public byte[]? Boundary => Boundaries.Count > 0 ? Boundaries[0] : null;

    /// <summary>All parameters of that name: more than one is a mistake, or hides something from readers that take another one.</summary>
    public IReadOnlyList<byte[]> Boundaries { get; }

    /// <summary>Reads the value after the colon; folded lines may still have their line ends.</summary>
    public static ContentType Parse(ReadOnlySpan<byte> value)
    {
        var scan = new Scanner(value);
        var type = scan.Token().ToLowerInvariant();
        var subtype = type.Length > 0 && scan.Take((byte)'/') ? scan.Token().ToLowerInvariant() : "";
        if (type.Length == 0 || (subtype.Length == 0 && type != "multipart"))
        {
            return Text;
        }

        List<byte[]>? boundaries = null;
        while (scan.SkipTo((byte)';'))
        {
            var name = scan.Token();
            if (scan.Take((byte)'=') && name.Equals("boundary", StringComparison.OrdinalIgnoreCase) && scan.Value() is { Length: > 0 } boundary)
            {
                (boundaries ??= []).Add(boundary);
            }
        }

        return new ContentType(type, subtype, boundaries);
    }

    /// <summary>The first token of a structured header value, in lower case, comments left out.</summary>
    public static string FirstToken(ReadOnlySpan<byte> value)
    {
        var scan = new Scanner(value);
        return scan.Token().ToLowerInvariant();
    }

    private ref struct Scanner(ReadOnlySpan<byte> value)
    {
        private ReadOnlySpan<byte> rest = value;

        public string Token()
        {
            SkipBlanks();
            var end = 0;
            while (end < rest.Length && rest[end] > 32 && rest[end] < 127 && !"()<>@,;:\\\"/[]?="u8.Contains(rest[end]))
            {
                end++;
            }

            var token = Encoding.ASCII.GetString(rest[..end]);
            rest = rest[end..];
            return token;
        }

        public bool Take(byte wanted)
        {
            SkipBlanks();
            if (rest.Length == 0 || rest[0] != wanted)
            {
                return false;
            }

            rest = rest[1..];
            return true;
        }

        /// <summary>Goes behind the next such byte that is not in a quoted string or a comment.</summary>
        public bool SkipTo(byte wanted)
        {
            while (true)
            {
                SkipBlanks();
                if (rest.Length == 0)
                {
                    return false;
                }

                if (rest[0] == (byte)'"')
                {
                    Quoted();
                    continue;
                }

                var found = rest[0] == wanted;
                rest = rest[1..];
                if (found)
                {
                    return true;
                }
            }
        }

        public byte[] Value()
        {
            SkipBlanks();
            if (rest.Length > 0 && rest[0] == (byte)'"')
            {
                return Quoted();
            }

            // Broken mailers leave boundaries with "=" or ":" unquoted.
            var end = rest.IndexOfAny("; \t\r\n"u8);
            var result = (end < 0 ? rest : rest[..end]).ToArray();
            rest = end < 0 ? [] : rest[end..];
            return result;
        }

        private byte[] Quoted()
        {
            var result = new List<byte>();
            var at = 1;
            for (; at < rest.Length && rest[at] != (byte)'"'; at++)
            {
                if (rest[at] == (byte)'\\' && at + 1 < rest.Length)
                {
                    at++;
                }

                if (rest[at] is not ((byte)'\r' or (byte)'\n'))
                {
                    result.Add(rest[at]);
                }
            }

            rest = at < rest.Length ? rest[(at + 1)..] : [];
            return [.. result];
        }

        private void SkipBlanks()
        {
            while (rest.Length > 0)
            {
                if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                {
                    rest = rest[1..];
                }
                else if (rest[0] == (byte)'(')
                {
                    SkipComment();
                }
                else
                {
                    return;
                }
            }
        }

        private void SkipComment()
        {
            var depth = 0;
            var at = 0;
            for (; at < rest.Length; at++)
            {
                if (rest[at] == (byte)'\\')
                {
                    at++;
                }
                else if (rest[at] == (byte)'(')
                {
                    depth++;
                }
                else if (rest[at] == (byte)')' && --depth == 0)
                {
                    at++;
                    break;
                }
            }

            rest = rest[Math.Min(at, rest.Length)..];
        }
    }
}
