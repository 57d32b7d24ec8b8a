using System.Text;
using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Tests.Mailbox;

/// <summary>Content in memory, or handed out in parts of <paramref name="cut"/> bytes; fails after <paramref name="failAfter"/> parts.</summary>
internal sealed class TestContent(byte[] bytes, int cut = 0, int failAfter = int.MaxValue) : IMessageContent
{
    public TestContent(string text, int cut = 0, int failAfter = int.MaxValue)
        : this(Encoding.Latin1.GetBytes(text), cut, failAfter)
    {
    }

    public long Length => bytes.Length;

    public bool TryGetBytes(out ReadOnlyMemory<byte> content)
    {
        content = bytes;
        return cut == 0;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var part = 0;
        var size = cut == 0 ? bytes.Length : cut;
        for (var at = 0; at < bytes.Length; at += size, part++)
        {
            if (part >= failAfter)
            {
                throw new StorageException(StorageFailure.Retry, "the database is away");
            }

            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            yield return bytes.AsMemory(at, Math.Min(size, bytes.Length - at));
        }
    }
}
