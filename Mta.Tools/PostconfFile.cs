using System.Text;
using Mta.Core.Commands;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Edits a configuration file in place: a new file takes the old one's name in one step, so that no reader ever sees half of it.</summary>
internal static class PostconfFile
{
    /// <summary>The text as the bytes of the file: it need not be UTF-8, and what is not edited has to stay as it is.</summary>
    public static string AsBytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The other way, for what is read as text.</summary>
    public static string AsText(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));

    /// <param name="edit">Gives the new text, or null when it said itself why there is none.</param>
    public static async Task<int> EditAsync(Terminal terminal, string path, Func<string, string?> edit, CancellationToken cancellationToken)
    {
        try
        {
            // Not as text: that would take a mark of the byte order off.
            var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false));
            if (edit(text) is not { } edited)
            {
                return ExitCode.Failure;
            }

            await ReplaceAsync(path, edited, cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var reason = OpenFailure.Reason(path, e);
            return terminal.Fatal(e is DirectoryNotFoundException ? $"open {path}.tmp: {reason}" : $"open {path} for reading: {reason}");
        }
    }

    private static async Task ReplaceAsync(string path, string text, CancellationToken cancellationToken)
    {
        // A link is edited where it points to, so that it stays a link.
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var mode = File.GetUnixFileMode(target);
        var temporary = target + ".tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = mode };
        var stream = new FileStream(temporary, options);
        await using (stream.ConfigureAwait(false))
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken).ConfigureAwait(false);
            stream.Flush(flushToDisk: true);
        }

        File.SetUnixFileMode(temporary, mode);
        File.Move(temporary, target, overwrite: true);
    }
}
