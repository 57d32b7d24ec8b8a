using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// <c>memcache:</c> (memcache_table(5)): a cache that other programs share, before a backup table that fills it. A cache that does not answer
/// is passed over where there is a backup, and else fails the lookup.
/// </summary>
internal sealed class MemcacheTable(TableReference reference, MemcacheConfig config, ILookupTable? backup, ListMatcher? domains, Action<string> warn)
    : ILookupTable, IAsyncDisposable
{
    /// <summary>The protocol's own limit for a key, in bytes.</summary>
    private const int LongestKey = 250;

    private readonly SemaphoreSlim turn = new(1, 1);
    private Socket? kept;

    public string Reference { get; } = reference.ToString();

    public bool MatchesWholeKey => false;

    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        key = key.ToLowerInvariant();
        if (domains is not null)
        {
            var at = key.LastIndexOf('@');
            var eligible = at > 0 ? await domains.MatchAsync(key[(at + 1)..], cancellationToken).ConfigureAwait(false) : LookupResult.NotFound;
            if (!eligible.IsFound)
            {
                return eligible;
            }
        }

        var cacheKey = KeyTemplate.Query(config.KeyFormat, key, KeyQuoting.None);
        if (cacheKey is null)
        {
            return LookupResult.NotFound;
        }

        var isCacheable = Encoding.UTF8.GetByteCount(cacheKey) is > 0 and <= LongestKey && !cacheKey.Any(c => c <= ' ' || c == 127);
        var cached = isCacheable ? await AskAsync($"get {cacheKey}\r\n", ReadValue, cancellationToken).ConfigureAwait(false) : LookupResult.NotFound;
        if (cached.IsFound || backup is null)
        {
            return cached;
        }

        var result = await backup.FindAsync(key, cancellationToken).ConfigureAwait(false);
        if (result.IsFound && isCacheable && !cached.IsFailed)
        {
            var data = Encoding.UTF8.GetByteCount(result.Value);
            var update = string.Create(CultureInfo.InvariantCulture, $"set {cacheKey} {config.Flags} {config.TimeToLive} {data}\r\n{result.Value}\r\n");
            _ = await AskAsync(update, ReadStored, cancellationToken).ConfigureAwait(false);
        }

        return result;
    }

    public ValueTask DisposeAsync()
    {
        Close();
        turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<LookupResult> AskAsync(string command, Func<ReadOnlySpan<byte>, LookupResult?> read, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var tried = 1; ; tried++)
            {
                var wasKept = kept is not null;
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(config.Timeout);
                try
                {
                    await ConnectAsync(limit.Token).ConfigureAwait(false);
                    await kept!.SendAsync(Encoding.UTF8.GetBytes(command), limit.Token).ConfigureAwait(false);
                    return await ReceiveAsync(read, limit.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is SocketException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    // A server that takes no connection is not tried again; a kept connection that it closed is no failure.
                    var isRefused = kept is null;
                    Close();
                    if (!wasKept && (isRefused || tried >= config.Tries))
                    {
                        var reason = e is OperationCanceledException ? "Connection timed out" : e.Message;
                        warn($"database {Reference}: memcache server: {reason}");
                        return LookupResult.Failed($"{Reference}: memcache server: {reason}");
                    }

                    if (!wasKept)
                    {
                        await Task.Delay(config.Pause, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        if (kept is not null)
        {
            return;
        }

        var socket = config.Server is DnsEndPoint ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(config.Server, cancellationToken).ConfigureAwait(false);
            kept = socket;
        }
        finally
        {
            if (kept is null)
            {
                socket.Dispose();
            }
        }
    }

    private async Task<LookupResult> ReceiveAsync(Func<ReadOnlySpan<byte>, LookupResult?> read, CancellationToken cancellationToken)
    {
        var buffer = new byte[config.LineLimit + config.DataLimit + 16];
        var length = 0;
        while (length < buffer.Length)
        {
            var received = await kept!.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (received == 0)
            {
                throw new IOException("lost connection");
            }

            length += received;
            if (read(buffer.AsSpan(0, length)) is { } result)
            {
                return result;
            }
        }

        throw new IOException("the answer is longer than data_size_limit allows");
    }

    /// <summary>VALUE key flags bytes, the data, END; or END alone. Null while it is not whole.</summary>
    private LookupResult? ReadValue(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n"u8);
        if (end < 0)
        {
            return null;
        }

        var line = received[..end];
        if (line.SequenceEqual("END"u8))
        {
            return LookupResult.NotFound;
        }

        var size = line[(line.LastIndexOf((byte)' ') + 1)..];
        if (!line.StartsWith("VALUE "u8) || !int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > config.DataLimit)
        {
            throw new IOException($"unexpected answer: {Encoding.ASCII.GetString(line)}");
        }

        var data = received[(end + 2)..];
        if (data.Length < length + "\r\nEND\r\n".Length)
        {
            return null;
        }

        return data[length..].StartsWith("\r\nEND\r\n"u8)
            ? LookupResult.Found(Encoding.UTF8.GetString(data[..length]))
            : throw new IOException("malformed answer");
    }

    private static LookupResult? ReadStored(ReadOnlySpan<byte> received)
    {
        if (!received.EndsWith("\r\n"u8))
        {
            return null;
        }

        return received.StartsWith("STORED"u8) ? LookupResult.NotFound : throw new IOException($"update failed: {Encoding.ASCII.GetString(received).Trim()}");
    }

    private void Close()
    {
        kept?.Dispose();
        kept = null;
    }
}
