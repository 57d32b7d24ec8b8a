using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Mailbox;

/// <summary>Collects small writes to a mailbox file and watches its size limit. Failures are <see cref="MailboxFailure"/>.</summary>
internal sealed class FileAppender(SafeFileHandle file, long size, long limit) : IDisposable
{
    // A message of usual size goes out in one write; a larger one in few.
    private const int BufferSize = 65536;

    private readonly byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int used;
    private long length = size;

    public void Write(ReadOnlySpan<byte> data)
    {
        length += data.Length;
        if (limit > 0 && length > limit)
        {
            throw Failure(Libc.FileTooBig);
        }

        if (data.Length > buffer.Length - used)
        {
            Flush();
            if (data.Length >= buffer.Length)
            {
                Put(data);
                return;
            }
        }

        data.CopyTo(buffer.AsSpan(used));
        used += data.Length;
    }

    /// <summary>Brings everything to the disk.</summary>
    public void Commit()
    {
        Flush();
        if (Libc.Sync(file) is var error && error != Libc.Success)
        {
            throw Failure(error);
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);

    private static MailboxFailure Failure(int error) => MailboxFailure.Of(error, "error writing message", "4.3.0");

    private void Flush()
    {
        var pending = used;
        used = 0;
        Put(buffer.AsSpan(0, pending));
    }

    private void Put(ReadOnlySpan<byte> data)
    {
        if (Libc.Write(file, data) is var error && error != Libc.Success)
        {
            throw Failure(error);
        }
    }
}
