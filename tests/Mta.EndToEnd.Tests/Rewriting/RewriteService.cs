using System.Net.Sockets;
using System.Text;

namespace Mta.EndToEnd.Tests.Rewriting;

/// <summary>Asks Postfix's trivial-rewrite(8) over its socket, in the protocol of attributes: names and values that end with NUL, an empty name at the end.</summary>
internal static class RewriteService
{
    private const int IsRouted = 2;
    private const int IsError = 4;
    private const int IsFailed = 8;
    private const int Classes = 0x1F00;

    public static async Task<string> RewriteAsync(string socket, bool local, string address, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(socket, ["request", "rewrite", "rule", local ? "local" : "remote", "address", address], "address", cancellationToken);
        return reply["address"];
    }

    /// <summary>The address class, transport, next hop and recipient in one line; or that the address is bad.</summary>
    public static async Task<string> ResolveAsync(string socket, string sender, string address, CancellationToken cancellationToken)
    {
        var reply = await AskAsync(socket, ["request", "resolve", "sender", sender, "address", address], "recipient", cancellationToken);
        var flags = int.Parse(reply["flags"], System.Globalization.CultureInfo.InvariantCulture);
        if ((flags & (IsError | IsFailed)) != 0)
        {
            return (flags & IsFailed) != 0 ? "failed" : "bad address";
        }

        var name = (flags & Classes) switch { 0x100 => "Local", 0x200 => "VirtualAlias", 0x400 => "VirtualMailbox", 0x800 => "Relay", _ => "Default" };
        return $"{name} {reply["transport"]}:{reply["nexthop"]} {reply["recipient"]}{((flags & IsRouted) != 0 ? " routed" : "")}";
    }

    private static async Task<Dictionary<string, string>> AskAsync(string path, string[] attributes, string last, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes(string.Join('\0', attributes) + "\0\0"), cancellationToken);
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer, cancellationToken);
            received.AddRange(buffer.AsSpan(0, count));
            var reply = Read(received);
            if (count == 0 || (reply.ContainsKey("flags") && reply.ContainsKey(last) && received is [.., 0, 0]))
            {
                return reply;
            }
        }
    }

    private static Dictionary<string, string> Read(List<byte> received)
    {
        var reply = new Dictionary<string, string>();
        var parts = Encoding.UTF8.GetString([.. received]).Split('\0');
        for (var i = 0; i + 1 < parts.Length;)
        {
            if (parts[i].Length == 0)
            {
                i++;
                continue;
            }

            reply[parts[i]] = parts[i + 1];
            i += 2;
        }

        return reply;
    }
}
