namespace Mta.Tools.Sendmail;

/// <summary>What sendmail(1) is asked to do.</summary>
internal enum SendmailMode
{
    /// <summary>-bm: read a message and send it.</summary>
    Deliver,
    /// <summary>-bp, mailq: list the queue.</summary>
    ListQueue,
    /// <summary>-bs: an SMTP session on standard input and output.</summary>
    Smtp,
    /// <summary>-bi, -I, newaliases: build the alias database.</summary>
    BuildAliases,
    /// <summary>-bd, -bl: start the mail system.</summary>
    Daemon,
    /// <summary>-q and its like: deliver what waits.</summary>
    Flush,
}
