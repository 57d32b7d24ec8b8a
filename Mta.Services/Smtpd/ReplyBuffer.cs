using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd;

/// <summary>Replies that wait to be sent: those to pipelined commands leave in one write.</summary>
internal sealed class ReplyBuffer
{
    private byte[] bytes = new byte[512];
    private int length;

    public bool IsEmpty => length == 0;

    public int Length => length;

    public ReadOnlyMemory<byte> Bytes => bytes.AsMemory(0, length);

    public void Add(ServerReply reply) => Add(reply.Wire);

    /// <summary>Adds complete lines with their ends.</summary>
    public void Add(ReadOnlySpan<byte> lines)
    {
        EnsureRoom(lines.Length);
        lines.CopyTo(bytes.AsSpan(length));
        length += lines.Length;
    }

    /// <summary>Adds one line made of ASCII parts, with its end.</summary>
    public void AddLine(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        EnsureRoom((3 * (first.Length + second.Length)) + 2);
        length += Encoding.UTF8.GetBytes(first, bytes.AsSpan(length));
        length += Encoding.UTF8.GetBytes(second, bytes.AsSpan(length));
        bytes[length++] = (byte)'\r';
        bytes[length++] = (byte)'\n';
    }

    public void Clear() => length = 0;

    private void EnsureRoom(int count)
    {
        if (bytes.Length - length < count)
        {
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, length + count));
        }
    }
}
