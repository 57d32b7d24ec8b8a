namespace Mta.Services.Mailbox;

/// <summary>A mailbox could not be written; thrown while writing and caught in <see cref="MailboxWriter"/> only.</summary>
internal sealed class MailboxFailure(string dsn, string reason, int error = 0) : Exception(reason)
{
    public string Dsn { get; } = dsn;

    /// <summary>The system's error number; 0 when there is none.</summary>
    public int Error { get; } = error;

    public string? Hint { get; init; }

    /// <summary>The failure of a system call; <paramref name="otherwise"/> is the status of an error number that has none of its own.</summary>
    public static MailboxFailure Of(int error, string what, string otherwise) => new(StatusOf(error, otherwise), $"{what}: {Libc.Text(error)}", error);

    // A full quota is the recipient's own affair and bounces; a full disk is ours and passes.
    private static string StatusOf(int error, string otherwise) => error switch
    {
        Libc.Again or Libc.Stale => "4.2.0",
        Libc.NoSpace => "4.3.0",
        Libc.QuotaExceeded or Libc.FileTooBig => "5.2.2",
        _ => otherwise,
    };
}
