using System.Net;
using System.Net.Sockets;
using Mta.Services.Clients;

namespace Mta.Services.Smtp;

/// <summary>Opens connections.</summary>
internal static class Connector
{
    /// <summary>A connected socket, or the text that says why there is none.</summary>
    public static async ValueTask<(Socket? Socket, string? Failure)> ConnectAsync(
        HostAddress host, ClientOptions options, MailLog log, string tag, CancellationToken cancellationToken)
    {
        var unix = host.EndPoint is UnixDomainSocketEndPoint;
        Socket? socket = null;
        try
        {
            socket = new Socket(host.EndPoint.AddressFamily, SocketType.Stream, unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
            if (!unix)
            {
                socket.NoDelay = true;
                if (Bind(socket, host, options.Routing, log, tag) is { } failure)
                {
                    socket.Dispose();
                    return (null, failure);
                }
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (options.ConnectTimeout > TimeSpan.Zero)
            {
                limit.CancelAfter(options.ConnectTimeout);
            }

            await socket.ConnectAsync(host.EndPoint, limit.Token).ConfigureAwait(false);
            return (socket, null);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            var missing = unix && e.SocketErrorCode == SocketError.AddressNotAvailable;
            return (null, $"connect to {host.Relay}: {(missing ? "No such file or directory" : Describe(e))}");
        }
        catch (OperationCanceledException)
        {
            socket?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            return (null, $"connect to {host.Relay}: Connection timed out");
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    /// <summary>Takes the source address of smtp_bind_address; without smtp_bind_address_enforce one that cannot be had is done without.</summary>
    private static string? Bind(Socket socket, HostAddress host, RoutingOptions options, MailLog log, string tag)
    {
        var source = host.IsIPv6 ? options.BindIPv6 : options.BindIPv4;
        if (source is null)
        {
            return null;
        }

        try
        {
            socket.Bind(new IPEndPoint(source, 0));
            return null;
        }
        catch (SocketException e)
        {
            log.Warning(tag, $"smtp_connect_addr: bind {source}: {Describe(e)}");
            return options.EnforceBind ? $"server configuration error: bind {source}: {Describe(e)}" : null;
        }
    }

    /// <summary>The words of strerror(3).</summary>
    private static string Describe(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "Connection refused",
        SocketError.TimedOut => "Connection timed out",
        SocketError.HostUnreachable => "No route to host",
        SocketError.NetworkUnreachable => "Network is unreachable",
        SocketError.ConnectionReset => "Connection reset by peer",
        SocketError.AddressNotAvailable => "Cannot assign requested address",
        SocketError.AccessDenied => "Permission denied",
        _ => e.Message,
    };
}
