namespace Mta.Services.Clients;

/// <summary>The content of a queued message: headers, empty line, body, every line ended by LF. In memory, or read from the store by chunks.</summary>
public interface IMessageContent
{
    /// <summary>Bytes.</summary>
    long Length { get; }

    /// <summary>True, with all bytes, when the content is in memory. The bytes stay valid until the last recipient of the request is reported.</summary>
    bool TryGetBytes(out ReadOnlyMemory<byte> content);

    /// <summary>The bytes in order, cut anywhere. A part is valid until the next one is asked for. Throws <see cref="Mta.Storage.StorageException"/>.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken);
}
