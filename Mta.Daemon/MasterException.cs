namespace Mta.Daemon;

/// <summary>Master cannot start, or cannot take a new configuration, for this reason.</summary>
internal sealed class MasterException(string message) : Exception(message);
