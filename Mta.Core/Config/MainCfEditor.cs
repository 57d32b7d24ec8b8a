using System.Text;

namespace Mta.Core.Config;

/// <summary>What an edit does to the entries of the names that it is given.</summary>
public enum MainCfEdit
{
    /// <summary>Gives them a new value; a name without an entry gets one at the end.</summary>
    Set,

    /// <summary>Takes them out.</summary>
    Remove,

    /// <summary>Turns them into comments.</summary>
    CommentOut,
}

/// <summary>The edited text, and the names that had more than one entry.</summary>
public readonly record struct EditedMainCf(string Text, IReadOnlyList<string> Repeated);

/// <summary>Edits the text of a main.cf line by line; comments, order and everything else stay as they are.</summary>
public static class MainCfEditor
{
    /// <param name="values">The names, and for <see cref="MainCfEdit.Set"/> their values.</param>
    public static EditedMainCf Apply(string text, MainCfEdit edit, IEnumerable<KeyValuePair<string, string>> values)
    {
        var wanted = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in values)
        {
            wanted[name] = value;
        }

        var found = new HashSet<string>(StringComparer.Ordinal);
        var repeated = new List<string>();
        var edited = new StringBuilder(text.Length + 256);
        var isWithin = false;
        for (var at = 0; at < text.Length;)
        {
            var newline = text.IndexOf('\n', at);
            var end = newline < 0 ? text.Length : newline + 1;
            var line = text.AsSpan(at, end - at);
            at = end;
            var content = line.TrimStart(Space.Characters);
            if (content.IsEmpty || content[0] == '#')
            {
                edited.Append(line);
                continue;
            }

            if (content.Length < line.Length)
            {
                // A continuation belongs to the entry before, also across comments.
                AppendOld(edited, line, edit, isWithin);
                continue;
            }

            var name = NameOf(line);
            isWithin = wanted.TryGetValue(name, out var value);
            if (isWithin && !found.Add(name) && !repeated.Contains(name))
            {
                repeated.Add(name);
            }

            if (isWithin && edit == MainCfEdit.Set)
            {
                edited.Append(name).Append(" = ").Append(value).Append('\n');
            }
            else
            {
                AppendOld(edited, line, edit, isWithin);
            }
        }

        if (edit == MainCfEdit.Set)
        {
            AppendNew(edited, wanted, found);
        }

        return new EditedMainCf(edited.ToString(), repeated);
    }

    private static void AppendOld(StringBuilder edited, ReadOnlySpan<char> line, MainCfEdit edit, bool isWithin)
    {
        if (!isWithin)
        {
            edited.Append(line);
        }
        else if (edit == MainCfEdit.CommentOut)
        {
            edited.Append('#').Append(line);
        }
    }

    private static void AppendNew(StringBuilder edited, Dictionary<string, string> wanted, HashSet<string> found)
    {
        foreach (var (name, value) in wanted)
        {
            if (found.Contains(name))
            {
                continue;
            }

            if (edited.Length > 0 && edited[^1] != '\n')
            {
                edited.Append('\n');
            }

            edited.Append(name).Append(" = ").Append(value).Append('\n');
        }
    }

    private static string NameOf(ReadOnlySpan<char> line)
    {
        var length = 0;
        while (length < line.Length && line[length] != '=' && !Space.Is(line[length]))
        {
            length++;
        }

        return line[..length].ToString();
    }
}
