namespace Mta.Services.Clients;

/// <summary>Child processes that run as a user of the system, started by the privileged process. They serve what only that user may do.</summary>
public interface IUserProcesses
{
    /// <summary>False when the mail system does not run as root: nothing here may become another user, and <see cref="OpenAsync"/> throws.</summary>
    bool ArePrivileged { get; }

    /// <summary>
    /// A stream to a child that runs the service <paramref name="name"/> (<c>delivery</c>) as this user, with no privileges left.
    /// Disposing the stream ends the child; a child that died gives end of stream. Throws <see cref="IOException"/> when none can be had.
    /// </summary>
    ValueTask<Stream> OpenAsync(uint uid, uint gid, string name, CancellationToken cancellationToken);
}
