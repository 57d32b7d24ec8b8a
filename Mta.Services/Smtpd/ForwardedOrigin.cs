using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Smtpd;

/// <summary>
/// What XFORWARD tells of the next message's origin, for the log and what is kept of the message; restrictions do not see it. It is never
/// mixed with what is known of the session's client.
/// </summary>
internal sealed class ForwardedOrigin
{
    public const string Unknown = ClientInfo.Unknown;

    public string Name { get; set; } = Unknown;

    /// <summary>Null when it is not known.</summary>
    public IPAddress? IpAddress { get; set; }

    public string Port { get; set; } = Unknown;

    public string Helo { get; set; } = Unknown;

    public string Protocol { get; set; } = Unknown;

    /// <summary>The queue id of the system in front; null when it is not known.</summary>
    public string? Identifier { get; set; }

    /// <summary>The message came from inside there; null when nothing was said.</summary>
    public bool? IsLocal { get; set; }

    /// <summary>Something was said of the client there: the session's own client is not taken for it.</summary>
    public bool HasClient { get; set; }

    public string Address => IpAddress?.ToString() ?? Unknown;

    /// <summary><c>name[address]</c>, or the name where there is no address.</summary>
    public string Tag(bool logPort) => IpAddress is null ? Name : logPort ? $"{Name}[{Address}]:{Port}" : $"{Name}[{Address}]";
}
