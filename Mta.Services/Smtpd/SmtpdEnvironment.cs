using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;
using Mta.Services.Net;

namespace Mta.Services.Smtpd;

/// <summary>What the SMTP servers of a node share: the services behind them, the log, the clock.</summary>
public sealed class SmtpdEnvironment
{
    public required ICleanup Cleanup { get; init; }

    public required TableRegistry Tables { get; init; }

    /// <summary>Names of clients are looked up here, after the hosts file.</summary>
    public required IDnsResolver Dns { get; init; }

    public HostsFile Hosts { get; init; } = HostsFile.Load();

    public required MailLog Log { get; init; }

    /// <summary>Takes rejected commands into the history; null for none.</summary>
    public RejectHistory? Rejects { get; init; }

    public required TimeProvider Time { get; init; }

    public required DeadlineSweeper Deadlines { get; init; }

    /// <summary>
    /// False while the node may not take mail (its lease has run out, it is about to stop): MAIL and end of data get 451.
    /// </summary>
    public Func<bool> AcceptingMail { get; init; } = static () => true;

    /// <summary>True while an administrator has drained the node: a connection, and MAIL in an open session, gets 421. Transactions that are open end well.</summary>
    public Func<bool> IsDrained { get; init; } = static () => false;

    /// <summary>False while the database has too little room for another message: MAIL gets 452.</summary>
    public Func<bool> HasRoom { get; init; } = static () => true;
}

/// <summary>One configuration of a listener; a reload makes a new one, and open sessions end under theirs.</summary>
/// <param name="Settings">The configuration of the master.cf service, its <c>-o</c> included.</param>
/// <param name="Resolver">Resolves under the same configuration.</param>
/// <param name="Cleanup">Takes mail under the same configuration; null when the environment's does.</param>
public sealed record SmtpdSnapshot(Settings Settings, IAddressResolver Resolver, ICleanup? Cleanup = null);
