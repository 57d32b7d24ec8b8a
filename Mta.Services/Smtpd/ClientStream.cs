using System.Net.Security;
using System.Net.Sockets;
using Mta.Services.Net;

namespace Mta.Services.Smtpd;

/// <summary>What a session talks over: a connection from the network, or the standard input and output of <c>sendmail -bs</c>.</summary>
internal abstract class ClientStream : IDisposable
{
    /// <summary>The deadline has passed.</summary>
    public virtual bool TimedOut => false;

    public virtual SslStream? Tls => null;

    /// <summary>The client has sent more than what was received so far. Bytes inside TLS are not seen.</summary>
    public virtual bool HasPendingInput => false;

    /// <summary>Bytes received; 0 when the client is gone, or at the deadline.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>False when the client is gone, or at the deadline.</summary>
    public abstract ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    public virtual void ClearDeadline()
    {
    }

    public virtual void SetDeadline(TimeSpan limit)
    {
    }

    /// <summary>Puts TLS over the connection. Throws what <see cref="SslStream"/> throws.</summary>
    public virtual Task StartTlsAsync(SslServerAuthenticationOptions options, CancellationToken cancellationToken) =>
        Task.FromException(new IOException("no TLS on a pipe"));

    /// <summary>Tells the client that nothing more comes, where the protocol below has words for it.</summary>
    public virtual ValueTask EndAsync() => default;

    public abstract void Dispose();
}

/// <summary>A client on the network.</summary>
internal sealed class NetworkClientStream(SocketConnection connection) : ClientStream
{
    public override bool TimedOut => connection.TimedOut;

    public override SslStream? Tls => connection.Tls;

    public override bool HasPendingInput
    {
        get
        {
            try
            {
                return connection.Tls is null && connection.Socket.Available > 0;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        connection.ReceiveAsync(buffer, cancellationToken);

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        connection.SendAsync(bytes, cancellationToken);

    public override void SetDeadline(TimeSpan limit) => connection.SetDeadline(limit);

    public override void ClearDeadline() => connection.ClearDeadline();

    public override Task StartTlsAsync(SslServerAuthenticationOptions options, CancellationToken cancellationToken)
    {
        // In plaintext every write answers a read, so that nothing is held back; session tickets are writes of their own.
        connection.Socket.NoDelay = true;
        return connection.StartTlsAsync(options, cancellationToken);
    }

    public override async ValueTask EndAsync()
    {
        if (connection.Tls is not { } tls)
        {
            return;
        }

        try
        {
            // RFC 8446 section 6.1: without close_notify the client cannot tell the end from a cut.
            await tls.ShutdownAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The client was faster.
        }
    }

    public override void Dispose() => connection.Dispose();
}

/// <summary>Standard input and output. Without time limits: it is the user's own process that waits.</summary>
internal sealed class PipeClientStream(Stream input, Stream output) : ClientStream
{
    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await output.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    public override void Dispose()
    {
        // The streams belong to the caller.
    }
}
