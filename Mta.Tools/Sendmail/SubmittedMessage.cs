using System.Buffers;
using Mta.Core.Submission;

namespace Mta.Tools.Sendmail;

/// <summary>
/// A message as read from standard input, whole before it is handed on, because its input may be slow and a transaction should not be
/// kept open for it.
/// </summary>
internal sealed class SubmittedMessage : IDisposable
{
    private readonly MessageBuffer content = new();

    private SubmittedMessage()
    {
    }

    /// <summary>The message was larger than the limit; its content is not complete.</summary>
    public bool IsTooBig { get; private set; }

    /// <param name="input">Read to its end, or to a single dot.</param>
    /// <param name="filter">Takes the bytes in.</param>
    /// <param name="limit">Bytes; 0 for none.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<SubmittedMessage> ReadAsync(Stream input, SubmissionFilter filter, long limit, CancellationToken cancellationToken)
    {
        var message = new SubmittedMessage();
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

                if (read == 0 || filter.Ended)
                {
                    filter.Finish(output);
                }

                message.content.Write(output.WrittenSpan);
                output.ResetWrittenCount();
                message.IsTooBig = limit > 0 && message.content.Length > limit;
            }
            while (read > 0 && !filter.Ended && !message.IsTooBig);

            return message;
        }
        catch
        {
            message.Dispose();
            throw;
        }
    }

    /// <summary>The message from its beginning, after <paramref name="prefix"/>.</summary>
    public Stream Open(ReadOnlyMemory<byte> prefix) => content.Open(prefix);

    public void Dispose() => content.Dispose();
}
