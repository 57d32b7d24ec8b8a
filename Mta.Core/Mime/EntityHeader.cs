using System.Buffers;

namespace Mta.Core.Mime;

/// <summary>
/// The header of one entity while it passes. All lines go out as they came but for a Content-Transfer-Encoding that claims 8-bit or
/// binary content: that one is replaced at the end of the header, when the type is known.
/// </summary>
internal sealed class EntityHeader
{
    /// <summary>The part of a header that is looked at; Postfix's header_size_limit.</summary>
    private const int LongestHeader = 102400;

    private readonly ArrayBufferWriter<byte> current = new();
    private Field field;
    private ContentType? type;

    private enum Field
    {
        Other,
        ContentType,
        Encoding,
    }

    /// <summary>The encoding claimed, in lower case; empty when there is no claim.</summary>
    public string Encoding { get; private set; } = "";

    public ContentType Type => type ?? DefaultType;

    /// <summary>What an entity without Content-Type is.</summary>
    public ContentType DefaultType { get; set; } = ContentType.Text;

    public bool ClaimsEightBit => Encoding is "8bit" or "binary";

    public bool ClaimsEncoded => Encoding is "base64" or "quoted-printable";

    /// <summary>True for the begin of a header or the continuation of one; false ends the header without an empty line.</summary>
    public static bool IsHeaderLine(ReadOnlySpan<byte> line, bool first)
    {
        if (!first && line[0] is (byte)' ' or (byte)'\t')
        {
            return true;
        }

        var colon = line.IndexOf((byte)':');
        return colon > 0 && line[..colon].TrimEnd(" \t"u8).IndexOfAnyExceptInRange((byte)33, (byte)126) < 0;
    }

    public void Begin(ContentType defaultType)
    {
        type = null;
        DefaultType = defaultType;
        Encoding = "";
        field = Field.Other;
        current.ResetWrittenCount();
    }

    /// <summary>A line of the header, or a piece of a long one.</summary>
    public void Line(ReadOnlySpan<byte> piece, bool starts, bool ends, IBufferWriter<byte> output)
    {
        if (starts && piece[0] is not ((byte)' ' or (byte)'\t'))
        {
            EndField(output);
            field = FieldOf(piece);
        }

        if (field != Field.Other && current.WrittenCount < LongestHeader)
        {
            Write(piece, ends, current);
        }

        if (field != Field.Encoding)
        {
            Write(piece, ends, output);
        }
    }

    /// <summary>The header is over: puts out a held Content-Transfer-Encoding that stays.</summary>
    public void EndField(IBufferWriter<byte> output)
    {
        var value = current.WrittenSpan;
        value = value[(value.IndexOf((byte)':') + 1)..];
        switch (field)
        {
            case Field.ContentType:
                type ??= ContentType.Parse(value);
                break;
            case Field.Encoding:
                // A second one is a mistake or an attempt to hide something; the first counts.
                Encoding = Encoding.Length == 0 ? ContentType.FirstToken(value) : Encoding;
                if (!ClaimsEightBit)
                {
                    output.Write(current.WrittenSpan);
                }

                break;
        }

        field = Field.Other;
        current.ResetWrittenCount();
    }

    private static void Write(ReadOnlySpan<byte> piece, bool ends, IBufferWriter<byte> to)
    {
        to.Write(piece);
        if (ends)
        {
            to.Write("\n"u8);
        }
    }

    private static Field FieldOf(ReadOnlySpan<byte> line)
    {
        var name = line[..Math.Max(0, line.IndexOf((byte)':'))].TrimEnd(" \t"u8);
        return System.Text.Ascii.EqualsIgnoreCase(name, "Content-Type"u8) ? Field.ContentType
            : System.Text.Ascii.EqualsIgnoreCase(name, "Content-Transfer-Encoding"u8) ? Field.Encoding
            : Field.Other;
    }
}
