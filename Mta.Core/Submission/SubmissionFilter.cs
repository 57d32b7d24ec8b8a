using System.Buffers;
using System.Text;

namespace Mta.Core.Submission;

/// <summary>When a carriage return before a line end is taken away (<c>sendmail_fix_line_endings</c>).</summary>
public enum LineEndings
{
    Always,
    /// <summary>Only when the first line ends in one.</summary>
    Strict,
    Never,
}

/// <summary>
/// Makes a message of what sendmail(1) reads: line ends become LF, a line with a single dot ends it, mailbox separators before the header
/// are dropped. On the way it notes what the header says. Input may be cut anywhere.
/// </summary>
public sealed class SubmissionFilter(LineEndings lineEndings, bool dotEndsMessage)
{
    // A line may be of any length; longer ones pass in parts.
    private const int LongestPart = 65536;
    private const int LongestHeader = 1 << 20;

    private static readonly string[] RecipientHeaders = ["to", "cc", "bcc", "apparently-to"];

    private readonly ArrayBufferWriter<byte> part = new();
    private readonly StringBuilder field = new();
    private readonly List<string> recipients = [];
    private readonly List<string> resentRecipients = [];
    private string? fieldName;
    private bool? stripReturn = lineEndings switch
    {
        LineEndings.Always => true,
        LineEndings.Never => false,
        _ => null,
    };

    private bool resent;
    private bool inHeader = true;
    private bool beforeHeader = true;
    private bool withinLine;

    /// <summary>The single dot was met; further input is ignored.</summary>
    public bool Ended { get; private set; }

    public bool HasFrom { get; private set; }

    /// <summary>Some byte is above 127.</summary>
    public bool HasEightBit { get; private set; }

    /// <summary>The addresses of the recipient headers; those of Resent- headers alone when there are any such headers.</summary>
    public IReadOnlyList<string> HeaderRecipients => resent ? resentRecipients : recipients;

    /// <summary>Takes the next bytes and writes what they give.</summary>
    public void Feed(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        HasEightBit |= !Ascii.IsValid(input);
        while (!Ended && input.Length > 0)
        {
            var end = input.IndexOf((byte)'\n');
            var piece = end < 0 ? input : input[..end];
            input = end < 0 ? default : input[(end + 1)..];
            if (end >= 0 && part.WrittenCount == 0)
            {
                Line(piece, complete: true, output);
                continue;
            }

            part.Write(piece);
            if (end >= 0 || part.WrittenCount > LongestPart)
            {
                var line = part.WrittenSpan;

                // A carriage return at the cut may belong to the line's end.
                var keep = end < 0 && line[^1] == (byte)'\r';
                Line(keep ? line[..^1] : line, complete: end >= 0, output);
                part.ResetWrittenCount();
                if (keep)
                {
                    part.Write("\r"u8);
                }
            }
        }
    }

    /// <summary>The input is at its end: a last line without a line end gets one.</summary>
    public void Finish(IBufferWriter<byte> output)
    {
        if (!Ended && (part.WrittenCount > 0 || withinLine))
        {
            Line(part.WrittenSpan, complete: true, output);
            part.ResetWrittenCount();
        }

        EndField();
    }

    private void Line(ReadOnlySpan<byte> line, bool complete, IBufferWriter<byte> output)
    {
        if (complete)
        {
            stripReturn ??= line.EndsWith("\r"u8);
            if (stripReturn.Value && line.EndsWith("\r"u8))
            {
                line = line[..^1];
            }
        }

        if (!withinLine && complete && dotEndsMessage && line is [(byte)'.'])
        {
            Ended = true;
            return;
        }

        if (beforeHeader && !withinLine)
        {
            if (line.StartsWith("From "u8) || line.StartsWith(">From "u8))
            {
                withinLine = !complete;
                return;
            }

            beforeHeader = false;
        }

        if (inHeader)
        {
            Header(line);
        }

        output.Write(line);
        if (complete)
        {
            output.Write("\n"u8);
        }

        withinLine = !complete;
    }

    private void Header(ReadOnlySpan<byte> line)
    {
        if (withinLine || line is [(byte)' ' or (byte)'\t', ..])
        {
            Collect(line);
            return;
        }

        EndField();
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? default : line[..colon].TrimEnd(" \t"u8);
        if (name.Length == 0 || name.ContainsAny((byte)' ', (byte)'\t'))
        {
            inHeader = false;
            return;
        }

        fieldName = Encoding.ASCII.GetString(name).ToLowerInvariant();
        Collect(line[(colon + 1)..]);
    }

    private void Collect(ReadOnlySpan<byte> text)
    {
        if (fieldName is not null && field.Length < LongestHeader)
        {
            field.Append(Encoding.UTF8.GetString(text));
        }
    }

    private void EndField()
    {
        if (fieldName is null)
        {
            return;
        }

        HasFrom |= fieldName is "from" or "resent-from";
        var isResent = fieldName.StartsWith("resent-", StringComparison.Ordinal);
        resent |= isResent;
        if (RecipientHeaders.Contains(isResent ? fieldName[7..] : fieldName))
        {
            (isResent ? resentRecipients : recipients).AddRange(AddressList.Parse(field.ToString()).Where(a => a.Length > 0));
        }

        field.Clear();
        fieldName = null;
    }
}
