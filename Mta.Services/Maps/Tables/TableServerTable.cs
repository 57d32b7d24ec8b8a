using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// <c>tcp:host:port</c>, <c>socketmap:inet:host:port:name</c> and <c>socketmap:unix:path:name</c>: a server that answers one request after
/// the other over one connection. A kept connection that broke is made anew once; a server that does not answer fails the lookup.
/// </summary>
internal sealed class TableServerTable(string reference, EndPoint server, TableServerProtocol protocol, Action<string> warn) : ILookupTable, IAsyncDisposable
{
    /// <summary>Postfix's limit for an answer of socketmap.</summary>
    private const int LargestAnswer = 100_000;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(100);

    private readonly SemaphoreSlim turn = new(1, 1);
    private Socket? kept;

    public string Reference => reference;

    public bool MatchesWholeKey => true;

    public static ILookupTable Open(TableReference reference, Action<string> warn)
    {
        var isTcp = reference.Type == "tcp";
        var text = reference.Name;
        var colon = text.LastIndexOf(':');
        var map = isTcp || colon < 0 ? null : text[(colon + 1)..];
        var place = isTcp ? "inet:" + text : colon < 0 ? "" : text[..colon];
        return Server(place) is { } server && map is not ""
            ? new TableServerTable(reference.ToString(), server, new TableServerProtocol(map), warn)
            : new FailingTable(reference.ToString(), isTcp ? "need host:port" : "socketmap requires server:socketmap argument");
    }

    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeLimit);
        try
        {
            return (kept is null ? null : await TryAskAsync(key, mayBeStale: true, limit.Token).ConfigureAwait(false))
                ?? await TryAskAsync(key, mayBeStale: false, limit.Token).ConfigureAwait(false)
                ?? default;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Close();
            return Failure("Connection timed out");
        }
        finally
        {
            turn.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private static EndPoint? Server(string place)
    {
        if (place.StartsWith("unix:", StringComparison.Ordinal) && place.Length > 5)
        {
            return new UnixDomainSocketEndPoint(place[5..]);
        }

        var colon = place.LastIndexOf(':');
        return place.StartsWith("inet:", StringComparison.Ordinal) && colon > 5
            && ushort.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new DnsEndPoint(place[5..colon].Trim('[', ']'), port)
            : null;
    }

    /// <summary>Null when a kept connection was of no use.</summary>
    private async Task<LookupResult?> TryAskAsync(string key, bool mayBeStale, CancellationToken cancellationToken)
    {
        try
        {
            if (kept is null)
            {
                kept = server is DnsEndPoint ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                await kept.ConnectAsync(server, cancellationToken).ConfigureAwait(false);
            }

            await kept.SendAsync(protocol.Request(key), cancellationToken).ConfigureAwait(false);
            if (await ReceiveAsync(kept, cancellationToken).ConfigureAwait(false) is { } result)
            {
                return result;
            }
        }
        catch (SocketException e)
        {
            Close();
            return mayBeStale ? null : Failure(e.Message);
        }
        catch (OperationCanceledException)
        {
            // Its answer may still come, and would be taken for the next one's.
            Close();
            throw;
        }

        Close();
        return mayBeStale ? null : Failure("malformed or truncated answer");
    }

    private async Task<LookupResult?> ReceiveAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[1024];
        var length = 0;
        while (length < LargestAnswer)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            length += received;
            var end = protocol.Frame(buffer.AsSpan(0, length), out var answer);
            if (received == 0 || end < 0)
            {
                return null;
            }

            if (end > 0)
            {
                return protocol.Read(Encoding.UTF8.GetString(answer));
            }
        }

        return null;
    }

    private LookupResult Failure(string reason)
    {
        warn($"table {reference} lookup error: {reason}");
        return LookupResult.Failed($"table {reference} lookup error: {reason}") with { IsReported = true };
    }

    private void Close()
    {
        kept?.Dispose();
        kept = null;
    }
}
