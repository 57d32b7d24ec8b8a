using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Mta.Services.Net;

/// <summary>
/// A stream connection: a socket, or after a handshake TLS over it. One reader and one writer at a time. A peer that goes away is an
/// outcome (0 bytes received, false from a send), not an exception. The owner sets one deadline for what it does next.
/// </summary>
public sealed class SocketConnection : ISweepable, IDisposable
{
    private readonly DeadlineSweeper sweeper;
    private long deadline = long.MaxValue;
    private volatile bool sending;
    private volatile bool timedOut;
    private bool disposed;

    public SocketConnection(Socket socket, DeadlineSweeper sweeper)
    {
        Socket = socket;
        this.sweeper = sweeper;
        sweeper.Add(this);
    }

    public Socket Socket { get; }

    /// <summary>The TLS layer; null in plaintext.</summary>
    public SslStream? Tls { get; private set; }

    /// <summary>A deadline has passed since the connection was made; it stays so.</summary>
    public bool TimedOut => timedOut;

    /// <summary>The reason of the last failed send or receive, when the system gave one.</summary>
    public SocketError LastError { get; private set; }

    /// <summary>
    /// Bytes wait to be received. Never true under TLS, where such bytes may be of the protocol itself (session tickets of TLS 1.3).
    /// </summary>
    public bool HasInput
    {
        get
        {
            try
            {
                return Tls is null && Socket.Available > 0;
            }
            catch (Exception e) when (IsPeerGone(e))
            {
                return false;
            }
        }
    }

    /// <summary>
    /// What follows has to end within <paramref name="limit"/>. Then a pending receive ends with 0 bytes while a last reply can still be
    /// sent (set a new deadline for it); a pending send fails.
    /// </summary>
    public void SetDeadline(TimeSpan limit) => Volatile.Write(ref deadline, sweeper.After(limit));

    public void ClearDeadline() => Volatile.Write(ref deadline, long.MaxValue);

    /// <summary>Bytes received; 0 when the peer has ended or broken the connection, or at the deadline.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return Tls is null
                ? await Socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)
                : await Tls.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsPeerGone(e))
        {
            return 0;
        }
    }

    /// <summary>Sends all bytes; false when the peer is gone, or at the deadline.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        sending = true;
        try
        {
            if (Tls is not null)
            {
                await Tls.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
                return true;
            }

            while (bytes.Length > 0)
            {
                bytes = bytes[await Socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
            }

            return true;
        }
        catch (Exception e) when (IsPeerGone(e))
        {
            return false;
        }
        finally
        {
            sending = false;
        }
    }

    /// <summary>Puts TLS over the connection, as the server. Throws what <see cref="SslStream"/> throws when the handshake fails.</summary>
    public Task StartTlsAsync(SslServerAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var stream = NewTls();
        return FinishAsync(stream, stream.AuthenticateAsServerAsync(options, cancellationToken));
    }

    /// <summary>Puts TLS over the connection, as the client. Throws what <see cref="SslStream"/> throws when the handshake fails.</summary>
    public Task StartTlsAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var stream = NewTls();
        return FinishAsync(stream, stream.AuthenticateAsClientAsync(options, cancellationToken));
    }

    void ISweepable.Sweep(long now)
    {
        if (now < Volatile.Read(ref deadline))
        {
            return;
        }

        timedOut = true;
        ClearDeadline();
        try
        {
            Socket.Shutdown(sending ? SocketShutdown.Both : SocketShutdown.Receive);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Broken already: the owner is about to see it.
        }
    }

    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        sweeper.Remove(this);
        Tls?.Dispose();
        Socket.Dispose();
    }

    private SslStream NewTls() => new(new NetworkStream(Socket, ownsSocket: false), leaveInnerStreamOpen: false);

    private async Task FinishAsync(SslStream stream, Task handshake)
    {
        try
        {
            await handshake.ConfigureAwait(false);
            Tls = stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private bool IsPeerGone(Exception e)
    {
        LastError = ((e as SocketException) ?? (e.InnerException as SocketException))?.SocketErrorCode ?? SocketError.Success;
        return e is SocketException or IOException or ObjectDisposedException;
    }
}
