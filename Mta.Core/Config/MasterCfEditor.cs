using System.Text;

namespace Mta.Core.Config;

/// <summary>What becomes of an entry: its fields, the same ones when it stays; null when it goes.</summary>
public readonly record struct MasterCfEdit(IReadOnlyList<string>? Fields, bool BecomesComment = false);

/// <summary>Edits the text of a master.cf entry by entry; comments, order and entries that are not edited stay as they are.</summary>
public static class MasterCfEditor
{
    /// <param name="edit">Says for each entry what becomes of it.</param>
    /// <param name="format">Writes changed fields as one or more whole lines.</param>
    /// <param name="added">The fields of entries to put at the end.</param>
    public static string Apply(
        string text,
        Func<MasterCfEntry, MasterCfEdit> edit,
        Func<IReadOnlyList<string>, string> format,
        IEnumerable<IReadOnlyList<string>> added)
    {
        var entries = MasterCf.ParseLeniently("master.cf", text).Entries.ToDictionary(e => e.FirstLine);
        var edited = new StringBuilder(text.Length + 256);
        MasterCfEntry? entry = null;
        var outcome = default(MasterCfEdit);
        var number = 0;
        for (var at = 0; at < text.Length;)
        {
            var newline = text.IndexOf('\n', at);
            var end = newline < 0 ? text.Length : newline + 1;
            var line = text.AsSpan(at, end - at);
            at = end;
            number++;
            if (entries.TryGetValue(number, out var next))
            {
                entry = next;
                outcome = edit(entry);
                if (outcome.Fields is not null && !ReferenceEquals(outcome.Fields, entry.Fields))
                {
                    edited.Append(format(outcome.Fields));
                }
            }

            var isOfEntry = entry is not null && number <= entry.LastLine && line.TrimStart(Space.Characters) is not ([] or ['#', ..]);
            if (!isOfEntry || ReferenceEquals(outcome.Fields, entry!.Fields))
            {
                edited.Append(line);
            }
            else if (outcome.BecomesComment)
            {
                edited.Append('#').Append(line);
            }
        }

        foreach (var fields in added)
        {
            if (edited.Length > 0 && edited[^1] != '\n')
            {
                edited.Append('\n');
            }

            edited.Append(format(fields));
        }

        return edited.ToString();
    }
}
