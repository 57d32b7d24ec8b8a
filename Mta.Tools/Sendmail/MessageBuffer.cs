namespace Mta.Tools.Sendmail;

/// <summary>A message of any size that is kept until it is handed on: in memory, and in a temporary file without a name when it is large.</summary>
internal sealed class MessageBuffer : IDisposable
{
    private const int MemoryLimit = 1 << 20;

    private Stream content = new MemoryStream();

    /// <summary>Bytes.</summary>
    public long Length => content.Length;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (content is MemoryStream memory && memory.Length + bytes.Length > MemoryLimit)
        {
            content = new FileStream(
                Path.Combine(Path.GetTempPath(), "sendmail-" + Guid.NewGuid().ToString("N")),
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.ReadWrite,
                    Options = FileOptions.DeleteOnClose,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
            memory.WriteTo(content);
        }

        content.Write(bytes);
    }

    /// <summary>The message from its beginning, after <paramref name="prefix"/>. One reader at a time, and no writing meanwhile.</summary>
    public Stream Open(ReadOnlyMemory<byte> prefix)
    {
        content.Position = 0;
        return new PrefixedStream(prefix, content);
    }

    public void Dispose() => content.Dispose();
}
