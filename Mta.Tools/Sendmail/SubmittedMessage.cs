using System.Buffers;
using Mta.Core.Submission;

namespace Mta.Tools.Sendmail;

/// <summary>
/// A message as read from standard input, whole before it is handed on, because its input may be slow and a transaction should not be
/// kept open for it. A large one waits in a temporary file without a name.
/// </summary>
internal sealed class SubmittedMessage : IDisposable
{
    private const int MemoryLimit = 1 << 20;

    private readonly SubmissionFilter filter;
    private Stream content = new MemoryStream();

    private SubmittedMessage(SubmissionFilter filter) => this.filter = filter;

    public SubmissionFilter Header => filter;

    /// <summary>The message was larger than the limit; its content is not complete.</summary>
    public bool IsTooBig { get; private set; }

    /// <summary>Bytes, with LF line ends.</summary>
    public long Length => content.Length;

    /// <param name="input">Read to its end, or to a single dot.</param>
    /// <param name="filter">Takes the bytes in.</param>
    /// <param name="limit">Bytes; 0 for none.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<SubmittedMessage> ReadAsync(Stream input, SubmissionFilter filter, long limit, CancellationToken cancellationToken)
    {
        var message = new SubmittedMessage(filter);
        try
        {
            var buffer = new byte[65536];
            var output = new ArrayBufferWriter<byte>(buffer.Length * 2);
            int read;
            do
            {
                read = await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read > 0)
                {
                    filter.Feed(buffer.AsSpan(0, read), output);
                }
                else
                {
                    filter.Finish(output);
                }

                await message.AppendAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
                output.ResetWrittenCount();
                message.IsTooBig = limit > 0 && message.Length > limit;
            }
            while (read > 0 && !filter.Ended && !message.IsTooBig);

            if (filter.Ended)
            {
                filter.Finish(output);
            }

            return message;
        }
        catch
        {
            message.Dispose();
            throw;
        }
    }

    /// <summary>The message from its beginning, after <paramref name="prefix"/>.</summary>
    public Stream Open(ReadOnlyMemory<byte> prefix)
    {
        content.Position = 0;
        return new PrefixedStream(prefix, content);
    }

    public void Dispose() => content.Dispose();

    private async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (content is MemoryStream memory && memory.Length + bytes.Length > MemoryLimit)
        {
            var file = new FileStream(
                Path.Combine(Path.GetTempPath(), "sendmail-" + Guid.NewGuid().ToString("N")),
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.Read,
                    Options = FileOptions.DeleteOnClose,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
            memory.Position = 0;
            content = file;
            await memory.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
        }

        await content.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }
}
