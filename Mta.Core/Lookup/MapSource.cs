namespace Mta.Core.Lookup;

/// <summary>The lines of a table's source file as postmap(1) reads them: <c>key whitespace value</c>.</summary>
public static class MapSource
{
    private const string Space = " \t\r\n\v\f";

    /// <summary>Reads one logical line, which begins with text. Problems are worded as Postfix does; those that drop the line leave <see cref="SourceLine.Key"/> null.</summary>
    public static SourceLine Read(string line)
    {
        // A decoder of the file has put this character where the bytes were no UTF-8.
        if (line.Contains('\ufffd'))
        {
            return new SourceLine(null, "", $"non-UTF-8 input \"{Short(line).Replace('\ufffd', '?')}\" -- ignoring this line");
        }

        if (!TryFindKeyEnd(line, out var end))
        {
            return new SourceLine(null, "", $"unbalanced '\"' in '{Short(line)}' -- ignoring this line");
        }

        var value = line.AsSpan(end).Trim(Space);
        if (value.IsEmpty)
        {
            return new SourceLine(null, "", "expected format: key whitespace value");
        }

        var key = line[..end];
        return new SourceLine(key, value.ToString(), key.EndsWith(':') ? "record is in \"key: value\" format; is this an alias file?" : null);
    }

    /// <summary>The key ends at white space outside of double quotes; the quotes are a part of it, since keys are in external form.</summary>
    private static bool TryFindKeyEnd(string line, out int end)
    {
        var quoted = false;
        for (end = 0; end < line.Length; end++)
        {
            var c = line[end];
            if (c == '\\' && end + 1 < line.Length)
            {
                end++;
            }
            else if (c == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && Space.Contains(c))
            {
                break;
            }
        }

        return !quoted;
    }

    private static string Short(string line) => line.Length <= 100 ? line : line[..100];
}
