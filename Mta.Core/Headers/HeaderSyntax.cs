namespace Mta.Core.Headers;

/// <summary>What a header field looks like (RFC 5322 section 2.2), on bytes.</summary>
public static class HeaderSyntax
{
    /// <summary>
    /// The length of the field's name when <paramref name="line"/> begins one, without the colon and white space before it (RFC 5322
    /// section 4.5 allows that for old mail); 0 when it does not.
    /// </summary>
    /// <param name="colon">The position of the colon.</param>
    public static int NameLength(ReadOnlySpan<byte> line, out int colon)
    {
        colon = line.IndexOf((byte)':');
        if (colon <= 0)
        {
            return 0;
        }

        var name = line[..colon].TrimEnd(" \t"u8);
        return name.ContainsAnyExceptInRange((byte)33, (byte)126) ? 0 : name.Length;
    }

    /// <summary>The value without the white space in front of it, folded lines as they are.</summary>
    /// <param name="header">A whole field without its line end.</param>
    public static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> header) => header[(header.IndexOf((byte)':') + 1)..].TrimStart(" \t\r\n"u8);

    /// <summary>
    /// The length of a field without what is above header_size_limit, as Postfix cuts it: before the line that goes over the limit when that
    /// loses less than a tenth of it, else in the middle of the line.
    /// </summary>
    /// <param name="header">At least one byte more than the limit of a field that is longer.</param>
    public static int CutLength(ReadOnlySpan<byte> header, int limit)
    {
        const byte lf = (byte)'\n';
        if (header.Length <= limit || header[limit] == lf)
        {
            return Math.Min(header.Length, limit);
        }

        var line = header[..limit].LastIndexOf(lf) + 1;
        return line > 0.9 * limit ? line - 1 : limit;
    }
}
