using System.Text;

namespace Mta.Core.Smtp;

/// <summary>One reply line of the server, for example <c>250 2.1.0 Ok</c>; made once when its text never changes.</summary>
public sealed class ServerReply
{
    /// <summary>RFC 5321 section 4.5.3.1.5 allows 512 octets with the line end.</summary>
    private const int MaximumLength = 510;

    private readonly byte[] wire;

    /// <param name="text">
    /// Code, enhanced code and text, without the line end. Control characters become spaces; what is too long is cut.
    /// </param>
    public ServerReply(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        wire = Encode(text);
        Text = Encoding.UTF8.GetString(wire.AsSpan(..^2));
        Code = ((wire[0] - '0') * 100) + ((wire[1] - '0') * 10) + (wire[2] - '0');
    }

    /// <summary>200 to 599.</summary>
    public int Code { get; }

    /// <summary>The line without its end.</summary>
    public string Text { get; }

    /// <summary>The line with CRLF.</summary>
    public ReadOnlySpan<byte> Wire => wire;

    /// <summary>True for 4xx and 5xx.</summary>
    public bool IsFailure => Code >= 400;

    /// <summary>With soft_bounce every 5xx is a 4xx, in the enhanced code too.</summary>
    public ServerReply Soften()
    {
        if (Code < 500)
        {
            return this;
        }

        var text = "4" + Text[1..];
        return new ServerReply(text.Length > 4 && text[4] == '5' ? string.Concat(text.AsSpan(0, 4), "4", text.AsSpan(5)) : text);
    }

    public override string ToString() => Text;

    private static byte[] Encode(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = Math.Min(bytes.Length, MaximumLength);
        while (length < bytes.Length && (bytes[length] & 0xC0) == 0x80)
        {
            length--;
        }

        var line = new byte[length + 2];
        bytes.AsSpan(0, length).CopyTo(line);
        foreach (ref var b in line.AsSpan(0, length))
        {
            if (b is < 32 or 127)
            {
                b = (byte)' ';
            }
        }

        line[^2] = (byte)'\r';
        line[^1] = (byte)'\n';
        return line;
    }
}
