using System.Buffers;

namespace Mta.Core.Mime;

/// <summary>Quoted-printable encoding of text lines (RFC 2045 section 6.7), in pieces.</summary>
internal sealed class QuotedPrintableEncoder
{
    /// <summary>An encoded line has at most 76 characters with the "=" that continues it.</summary>
    private const int LineRoom = 75;

    private static readonly SearchValues<byte> Literal = SearchValues.Create(
        [(byte)'\t', .. Enumerable.Range(' ', '~' - ' ' + 1).Where(c => c != '=').Select(c => (byte)c)]);

    private int column;
    private byte heldBlank;

    /// <summary>Encodes a piece of a line without its end.</summary>
    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        // A blank is literal only when something follows it on its line.
        if (piece.Length > 0 && heldBlank != 0)
        {
            PutLiteral([heldBlank], output);
            heldBlank = 0;
        }

        if (piece.Length > 0 && piece[^1] is (byte)' ' or (byte)'\t')
        {
            heldBlank = piece[^1];
            piece = piece[..^1];
        }

        while (piece.Length > 0)
        {
            var literals = piece.IndexOfAnyExcept(Literal);
            literals = literals < 0 ? piece.Length : literals;
            if (literals == 0)
            {
                PutEncoded(piece[0], output);
                piece = piece[1..];
            }
            else
            {
                PutLiteral(piece[..literals], output);
                piece = piece[literals..];
            }
        }
    }

    /// <summary>Ends the line; the caller writes the line end, if there is one.</summary>
    public void EndLine(IBufferWriter<byte> output)
    {
        if (heldBlank != 0)
        {
            PutEncoded(heldBlank, output);
            heldBlank = 0;
        }

        column = 0;
    }

    private void PutLiteral(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        while (bytes.Length > 0)
        {
            MakeRoom(1, output);
            var count = Math.Min(LineRoom - column, bytes.Length);
            output.Write(bytes[..count]);
            column += count;
            bytes = bytes[count..];
        }
    }

    private void PutEncoded(byte value, IBufferWriter<byte> output)
    {
        MakeRoom(3, output);
        var span = output.GetSpan(3);
        span[0] = (byte)'=';
        span[1] = Hex(value >> 4);
        span[2] = Hex(value & 15);
        output.Advance(3);
        column += 3;
    }

    private void MakeRoom(int width, IBufferWriter<byte> output)
    {
        if (column + width > LineRoom)
        {
            output.Write("=\n"u8);
            column = 0;
        }
    }

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'A' + digit - 10);
}
