using System.Text;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Edits main.cf in place: a new file takes the old one's name in one step, so that no reader ever sees half of it.</summary>
internal static class PostconfEditor
{
    public static async Task<int> RunAsync(Terminal terminal, PostconfOptions options, CancellationToken cancellationToken)
    {
        if ("MFP".Any(options.Has))
        {
            return terminal.Fatal("master.cf cannot be edited with this command: use an editor");
        }

        var edit = options.Has('e') ? MainCfEdit.Set : options.Has('X') ? MainCfEdit.Remove : MainCfEdit.CommentOut;
        if (options.Operands.Count == 0)
        {
            return terminal.Fatal(edit == MainCfEdit.Set ? "-e requires name=value argument" : $"-{(edit == MainCfEdit.Remove ? 'X' : '#')} requires name argument");
        }

        var values = new List<KeyValuePair<string, string>>();
        foreach (var operand in options.Operands)
        {
            if (Problem(operand, edit, out var name, out var value) is { } problem)
            {
                return terminal.Fatal(problem);
            }

            // The file is handled as bytes: it need not be UTF-8, and what is not edited has to stay as it is.
            values.Add(new(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(name)), Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value))));
        }

        var path = Path.Combine(ConfigurationDirectory.Find(options.ConfigDirectory), "main.cf");
        try
        {
            var text = await File.ReadAllTextAsync(path, Encoding.Latin1, cancellationToken).ConfigureAwait(false);
            var edited = MainCfEditor.Apply(text, edit, values);
            foreach (var name in edited.Repeated)
            {
                terminal.Warning($"{path}: multiple entries for \"{name}\"");
            }

            await ReplaceAsync(path, edited.Text, cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var reason = e switch { FileNotFoundException or DirectoryNotFoundException => "No such file or directory", UnauthorizedAccessException => "Permission denied", _ => e.Message };
            return terminal.Fatal($"open {path} for reading: {reason}");
        }
    }

    private static string? Problem(string operand, MainCfEdit edit, out string name, out string value)
    {
        name = operand.Trim();
        value = "";
        if (operand.Contains('\n'))
        {
            return "-e, -X, or -# accepts no multi-line input";
        }

        if (name.StartsWith('#'))
        {
            return "-e, -X, or -# accepts no comment input";
        }

        if (edit == MainCfEdit.Set)
        {
            return MainCf.TrySplit(operand, out name, out value, out var error) ? null : $"{error}: \"{operand}\"";
        }

        return name.Contains('=') || name.Length == 0 ? $"-X or -# requires a parameter name: \"{operand}\"" : null;
    }

    private static async Task ReplaceAsync(string path, string text, CancellationToken cancellationToken)
    {
        // A link is edited where it points to, so that it stays a link.
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var temporary = target + ".tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = File.GetUnixFileMode(target) };
        var stream = new FileStream(temporary, options);
        await using (stream.ConfigureAwait(false))
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken).ConfigureAwait(false);
            stream.Flush(flushToDisk: true);
        }

        File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
        File.Move(temporary, target, overwrite: true);
    }
}
