using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mta.Core.Queue;
using Mta.Services.Mailbox;
using Mta.Storage.Maildrop;

namespace Mta.Services.Clients;

/// <summary>
/// <c>$queue_directory/maildrop</c>: mail that sendmail(1) could not put into the database. Everybody may make files there and nobody
/// but mail_owner may list them (mode 1733), so that the program needs no privileges and a name is a secret.
/// A file is written under a temporary name, made durable, and renamed to a name that no other file ever has.
/// </summary>
internal sealed class SpoolDirectory(string path)
{
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.StickyBit;

    private const string TemporaryPrefix = ".";
    private const string FirstWord = "mta-maildrop-1 ";
    private const int HeaderLimit = 64 << 20;

    // Pickup runs as another user and reads the file; nobody else knows its name.
    private const uint FileMode = 0x1A4;

    /// <summary>The directory of <c>queue_directory</c>.</summary>
    public static SpoolDirectory In(string queueDirectory) => new(System.IO.Path.Combine(queueDirectory, "maildrop"));

    public string Path { get; } = path;

    /// <summary>Stores a message; durable when the task ends. Throws <see cref="IOException"/>.</summary>
    public async Task WriteAsync(Submission submission, Stream content, CancellationToken cancellationToken)
    {
        var name = Guid.NewGuid().ToString("N");
        var temporary = System.IO.Path.Combine(Path, TemporaryPrefix + name);
        var error = Libc.Open(temporary, Libc.WriteOnly | Libc.Create | Libc.Exclusive, FileMode, out var handle);
        Check(error, $"create file {temporary}");
        try
        {
            using (handle)
            {
                // The umask may have taken away what pickup needs.
                File.SetUnixFileMode(handle!, (UnixFileMode)FileMode);
                Write(handle!, Header(submission));
                var buffer = new byte[65536];
                int read;
                while ((read = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    Write(handle!, buffer.AsSpan(0, read));
                }

                Check(Libc.Sync(handle!), $"sync file {temporary}");
                Check(Libc.Rename(temporary, System.IO.Path.Combine(Path, name)), $"rename file {temporary}");

                // The directory cannot be opened here, for it cannot be read; the file's own sync commits its new name too.
                Check(Libc.Sync(handle!), $"sync file {name}");
            }
        }
        catch
        {
            _ = Libc.Remove(temporary);
            throw;
        }
    }

    /// <summary>The names of the files that are complete.</summary>
    public IEnumerable<Guid> Files()
    {
        foreach (var file in Directory.EnumerateFiles(Path))
        {
            if (Guid.TryParseExact(System.IO.Path.GetFileName(file), "N", out var name))
            {
                yield return name;
            }
        }
    }

    /// <summary>
    /// Opens a file for reading. Null when it is not a plain file of one user: others could have put a link there to what mail_owner may read.
    /// Throws <see cref="InvalidDataException"/> for a file that is not ours, <see cref="IOException"/> for one that cannot be read.
    /// </summary>
    public SpoolFile? Open(Guid name)
    {
        var file = FileName(name);
        var error = Libc.Open(file, Libc.ReadOnly | Libc.NonBlocking | Libc.FlagNoFollow, 0, out var handle);
        if (error is Libc.NotFound or Libc.TooManySymbolicLinks)
        {
            return null;
        }

        Check(error, $"open file {file}");
        if (Libc.Stat(handle!, out var facts) != Libc.Success || !facts.IsRegular || facts.Links != 1)
        {
            handle!.Dispose();
            return null;
        }

        return Read(name, handle!, facts.Uid);
    }

    /// <summary>Removes a file for good; false when it was gone.</summary>
    public bool Remove(Guid name)
    {
        var error = Libc.Remove(FileName(name));
        if (error == Libc.NotFound)
        {
            return false;
        }

        Check(error, $"remove file {FileName(name)}");
        Check(Libc.SyncDirectory(Path), $"sync directory {Path}");
        return true;
    }

    /// <summary>Removes what a sendmail that was killed left behind.</summary>
    public void RemoveUnfinished(DateTimeOffset olderThan)
    {
        foreach (var file in Directory.EnumerateFiles(Path, TemporaryPrefix + "*"))
        {
            if (Libc.Stat(file, follow: false, out var facts) == Libc.Success && facts.Modified < olderThan)
            {
                _ = Libc.Remove(file);
            }
        }
    }

    private string FileName(Guid name) => System.IO.Path.Combine(Path, name.ToString("N"));

    private static byte[] Header(Submission submission)
    {
        var lines = new StringBuilder();
        lines.Append(CultureInfo.InvariantCulture, $"sender {submission.Sender}\nflags {(int)submission.Flags}\n");
        lines.Append(CultureInfo.InvariantCulture, $"notify {(int)submission.Notify}\nreturn {(int)submission.Return}\n");
        if (submission.EnvelopeId is { } id)
        {
            lines.Append(CultureInfo.InvariantCulture, $"envelope_id {id}\n");
        }

        foreach (var recipient in submission.Recipients)
        {
            lines.Append(CultureInfo.InvariantCulture, $"recipient {recipient}\n");
        }

        var body = Encoding.UTF8.GetBytes(lines.ToString());
        return [.. Encoding.ASCII.GetBytes(FirstWord + body.Length.ToString("D10", CultureInfo.InvariantCulture) + "\n"), .. body];
    }

    private static SpoolFile Read(Guid name, SafeFileHandle handle, uint uid)
    {
        var stream = new FileStream(handle, FileAccess.Read, bufferSize: 65536);
        try
        {
            var first = new byte[FirstWord.Length + 11];
            stream.ReadExactly(first);
            var firstLine = Encoding.ASCII.GetString(first);
            if (!firstLine.StartsWith(FirstWord, StringComparison.Ordinal)
                || !int.TryParse(firstLine.AsSpan(FirstWord.Length, 10), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length > HeaderLimit)
            {
                throw new InvalidDataException("not a message of sendmail");
            }

            var header = new byte[length];
            stream.ReadExactly(header);
            return new SpoolFile(name, Parse(Encoding.UTF8.GetString(header), uid), stream);
        }
        catch (EndOfStreamException)
        {
            stream.Dispose();
            throw new InvalidDataException("the message is cut off");
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static Submission Parse(string header, uint uid)
    {
        var recipients = new List<string>();
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in header.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0)
            {
                throw new InvalidDataException("not a message of sendmail");
            }

            if (line.AsSpan(0, space) is "recipient")
            {
                recipients.Add(line[(space + 1)..]);
            }
            else
            {
                values[line[..space]] = line[(space + 1)..];
            }
        }

        return new Submission
        {
            Sender = values.GetValueOrDefault("sender", ""),
            Recipients = recipients,
            Flags = (EnvelopeFlags)Number("flags") & (EnvelopeFlags.SmtpUtf8 | EnvelopeFlags.EightBit),
            Notify = (DsnNotify)Number("notify"),
            Return = (DsnReturn)Number("return"),
            EnvelopeId = values.GetValueOrDefault("envelope_id"),
            UserId = uid,
        };

        int Number(string key) => int.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    private static void Write(SafeFileHandle handle, ReadOnlySpan<byte> bytes) => Check(Libc.Write(handle, bytes), "write");

    private static void Check(int error, string what)
    {
        if (error != Libc.Success)
        {
            throw new IOException($"{what}: {Libc.Text(error)}");
        }
    }
}
