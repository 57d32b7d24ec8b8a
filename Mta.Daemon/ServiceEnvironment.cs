using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Storage.Connections;

namespace Mta.Daemon;

/// <summary>A listening socket that master bound for a service of master.cf. An inet service has one for each of its addresses.</summary>
/// <param name="Service">The service's name as master.cf has it: <c>smtp</c>, <c>127.0.0.1:2525</c>.</param>
public sealed record ServiceListener(string Service, Socket Socket);

/// <summary>All that the services of a node are given: configuration, listeners, log, database, and the way to privileged children.</summary>
public sealed class ServiceEnvironment
{
    public required string ConfigurationDirectory { get; init; }

    public required Settings Settings { get; init; }

    /// <summary>The services of master.cf that are not disabled: which of them a node runs, and its delivery agents with their overrides.</summary>
    public required IReadOnlyList<MasterService> Services { get; init; }

    /// <summary>Bound and listening already; the services accept on them and own them.</summary>
    public required IReadOnlyList<ServiceListener> Listeners { get; init; }

    public required MailLog Log { get; init; }

    /// <summary>Connected to by this program's version of the schema: migrations ran before.</summary>
    public required Database Database { get; init; }

    public required IUserProcesses UserProcesses { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
