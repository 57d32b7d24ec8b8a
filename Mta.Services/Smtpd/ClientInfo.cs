using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Smtpd;

/// <summary>Whether a name of the client is known, and if not, whether asking again later may help.</summary>
internal enum ClientNameStatus : byte
{
    Known,
    TemporaryFailure,
    PermanentFailure,
}

/// <summary>
/// Who is at the other end, as the log, the Received header and the restrictions see it. XCLIENT replaces it by another one.
/// </summary>
internal sealed record ClientInfo
{
    /// <summary>What stands for a name, an address or a port that is not known.</summary>
    public const string Unknown = "unknown";

    public ClientInfo(IPAddress address, int port, ClientName name, bool logPort)
    {
        IpAddress = address;
        ConnectedAddress = address;
        PortText = port.ToString(CultureInfo.InvariantCulture);
        LogPort = logPort;
        Name = name.Verified ?? Unknown;
        NameStatus = name.Status;
        ReverseName = name.Reverse;
        ReverseNameStatus = name.ReverseStatus;
        Seal();
    }

    /// <summary>Null when XCLIENT said that it is not known.</summary>
    public IPAddress? IpAddress
    {
        get;
        init
        {
            field = value;
            Address = value?.ToString() ?? Unknown;
            AddressLiteral = value?.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6:" + Address : Address;
        }
    }

    public string Address { get; private init; } = Unknown;

    /// <summary>The address at the other end of the connection, whatever XCLIENT said: permit_inet_interfaces asks for it.</summary>
    public IPAddress ConnectedAddress { get; }

    public string PortText { get; init; }

    /// <summary>0 when it is not known.</summary>
    public int Port => int.TryParse(PortText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;

    /// <summary>The name that the address and back agree on; <c>unknown</c> when they do not.</summary>
    public string Name { get; init; }

    public ClientNameStatus NameStatus { get; init; }

    /// <summary>What PTR says, confirmed or not; null when nothing.</summary>
    public string? ReverseName { get; init; }

    public ClientNameStatus ReverseNameStatus { get; init; }

    /// <summary><c>name[address]</c>, as in the log.</summary>
    public string Tag { get; private set; } = "";

    /// <summary>The address inside the brackets of RFC 5321 section 4.1.3.</summary>
    public string AddressLiteral { get; private init; } = Unknown;

    private bool LogPort { get; }

    /// <summary>This, with a tag that says what has changed.</summary>
    public ClientInfo Seal()
    {
        Tag = LogPort ? $"{Name}[{Address}]:{PortText}" : $"{Name}[{Address}]";
        return this;
    }
}

/// <param name="Verified">The name when it resolves back to the address; null otherwise.</param>
/// <param name="Reverse">What PTR says; null when nothing.</param>
/// <param name="IsUncertain">The DNS failed where a name is missing.</param>
internal readonly record struct ClientName(string? Verified, string? Reverse, bool IsUncertain = false)
{
    public ClientNameStatus Status => StatusOf(Verified);

    public ClientNameStatus ReverseStatus => StatusOf(Reverse);

    private ClientNameStatus StatusOf(string? name) =>
        name is not null ? ClientNameStatus.Known : IsUncertain ? ClientNameStatus.TemporaryFailure : ClientNameStatus.PermanentFailure;
}
