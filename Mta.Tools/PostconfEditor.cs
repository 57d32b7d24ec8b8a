using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Edits main.cf: <c>-e name=value</c>, <c>-X name</c>, <c>-# name</c>.</summary>
internal static class PostconfEditor
{
    public static async Task<int> RunAsync(Terminal terminal, PostconfOptions options, CancellationToken cancellationToken)
    {
        var edit = options.Has('e') ? MainCfEdit.Set : options.Has('X') ? MainCfEdit.Remove : MainCfEdit.CommentOut;
        var values = new List<KeyValuePair<string, string>>();
        foreach (var operand in options.Operands)
        {
            if (Problem(operand, edit, out var name, out var value) is { } problem)
            {
                return terminal.Fatal(problem);
            }

            var earlier = values.FindIndex(v => v.Key == PostconfFile.AsBytes(name));
            if (earlier >= 0 && edit == MainCfEdit.Set)
            {
                terminal.Warning(PostconfChecks.Printable($"ignoring earlier request: '{values[earlier].Key} = {values[earlier].Value}'"));
                values.RemoveAt(earlier);
            }

            values.Add(new(PostconfFile.AsBytes(name), PostconfFile.AsBytes(value)));
        }

        var path = Path.Combine(ConfigurationDirectory.Find(options.ConfigDirectory), "main.cf");
        return await PostconfFile.EditAsync(terminal, path, Edit, cancellationToken).ConfigureAwait(false);

        string Edit(string text)
        {
            var edited = MainCfEditor.Apply(text, edit, values);
            foreach (var name in edited.Repeated)
            {
                terminal.Warning($"{path}: multiple entries for \"{name}\"");
            }

            return edited.Text;
        }
    }

    private static string? Problem(string operand, MainCfEdit edit, out string name, out string value)
    {
        name = operand;
        value = "";
        if (edit == MainCfEdit.Set)
        {
            return MainCf.TrySplit(operand, out name, out value, out var error) ? null : $"{error}: \"{operand}\"";
        }

        return string.IsNullOrWhiteSpace(name) ? "-X or -# requires non-blank parameter names"
            : name.Contains('=') ? $"-X or -# requires a parameter name: \"{operand}\"" : null;
    }
}
