using System.Text;

namespace Mta.Core.Lookup;

/// <summary>
/// The logical lines of a table's source file: empty lines and comment lines are skipped, lines that begin with white space continue the
/// line before, also across skipped ones.
/// </summary>
public struct LogicalLines(string text)
{
    private int position;
    private int lines;

    /// <summary>The logical line, with its parts joined as they stand and without a line end.</summary>
    public string Current { get; private set; } = "";

    /// <summary>The number of the first physical line of <see cref="Current"/>, from 1.</summary>
    public int LineNumber { get; private set; }

    public bool MoveNext()
    {
        string? line = null;
        StringBuilder? joined = null;
        while (position < text.Length)
        {
            // A comment or an empty line does not end the logical line; the next text line does.
            if (line is not null && text[position] != '#' && !char.IsWhiteSpace(text[position]))
            {
                break;
            }

            var end = text.IndexOf('\n', position);
            var length = (end < 0 ? text.Length : end) - position;
            var physical = text.AsSpan(position, length).TrimEnd('\r');
            position += length + 1;
            lines++;
            if (physical.TrimStart() is [] or ['#', ..])
            {
                continue;
            }

            if (line is null)
            {
                line = physical.ToString();
                LineNumber = lines;
            }
            else
            {
                (joined ??= new StringBuilder(line)).Append(physical);
            }
        }

        Current = joined?.ToString().TrimEnd() ?? line?.TrimEnd() ?? "";
        return line is not null;
    }
}
