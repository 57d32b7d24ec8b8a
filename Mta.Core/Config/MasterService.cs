namespace Mta.Core.Config;

/// <summary>How a service of master.cf is reached.</summary>
public enum ServiceType
{
    /// <summary>A TCP port.</summary>
    Inet,

    /// <summary>A stream between processes of this host, or within the program.</summary>
    Unix,

    /// <summary>The same with datagrams.</summary>
    UnixDgram,
    Fifo,

    /// <summary>Connections handed over by another service.</summary>
    Pass,
}

/// <summary>One service of master.cf, with the defaults of fields written as <c>-</c> filled in.</summary>
public sealed record MasterService
{
    public required string Name { get; init; }

    public required ServiceType Type { get; init; }

    public required bool IsPrivate { get; init; }

    /// <summary>Whether the service runs without privileges; else it may act as other users.</summary>
    public required bool IsUnprivileged { get; init; }

    /// <summary>Accepted for the sake of existing files; services here are never chrooted.</summary>
    public required bool IsChrooted { get; init; }

    /// <summary>Seconds between wake-ups; 0 means never.</summary>
    public required int WakeupSeconds { get; init; }

    /// <summary>The <c>?</c> of the wakeup field: wake only a service that is in use.</summary>
    public required bool WakesOnlyWhenUsed { get; init; }

    /// <summary>Null means <c>default_process_limit</c>, 0 means no limit.</summary>
    public required int? ProcessLimit { get; init; }

    /// <summary>The program that does the service, such as <c>smtpd</c>.</summary>
    public required string Command { get; init; }

    /// <summary>The values of <c>-o name=value</c>, in order.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Overrides { get; init; }

    /// <summary>How often <c>-v</c> was given.</summary>
    public required int Verbosity { get; init; }

    /// <summary>What follows the options; elements in braces without the braces.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Where an <see cref="ServiceType.Inet"/> service listens; null for the other types.</summary>
    public required InetEndpoint? Endpoint { get; init; }

    public required int Line { get; init; }
}
