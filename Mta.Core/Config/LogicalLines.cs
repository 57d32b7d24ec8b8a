using System.Text;

namespace Mta.Core.Config;

/// <summary>A logical line: its text without trailing white space, and the physical lines, from 1, that it spans.</summary>
public readonly record struct LogicalLine(string Text, int FirstLine, int LastLine);

/// <summary>
/// The lines of main.cf, master.cf and the text tables: a line that begins with white space continues the one before; lines that are
/// empty or whose first character after white space is <c>#</c> count for nothing, also between a line and its continuation. A null
/// character ends a logical line.
/// </summary>
public static class LogicalLines
{
    /// <summary>Reads them in order; one that begins with white space and continues nothing is given as it is.</summary>
    public static IEnumerable<LogicalLine> Read(string text)
    {
        var line = new StringBuilder();
        int first = 0, last = 0, number = 0;
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\n', at);
            var next = end < 0 ? text.Length : end + 1;
            var physical = text.AsMemory(at, (end < 0 ? text.Length : end) - at).TrimEnd('\r');
            at = next;
            number++;
            if (IsNothing(physical.Span))
            {
                continue;
            }

            if (first != 0 && Space.Is(physical.Span[0]))
            {
                line.Append(physical.Span);
                last = number;
                continue;
            }

            if (first != 0)
            {
                yield return new LogicalLine(Trimmed(line), first, last);
            }

            line.Clear().Append(physical.Span);
            first = last = number;
        }

        if (first != 0)
        {
            yield return new LogicalLine(Trimmed(line), first, last);
        }
    }

    private static string Trimmed(StringBuilder line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\0')
            {
                line.Length = i;
            }
        }

        while (line.Length > 0 && Space.Is(line[^1]))
        {
            line.Length--;
        }

        return line.ToString();
    }

    private static bool IsNothing(ReadOnlySpan<char> line)
    {
        line = line.TrimStart(Space.Characters);
        return line.IsEmpty || line[0] == '#';
    }
}
