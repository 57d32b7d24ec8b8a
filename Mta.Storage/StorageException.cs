namespace Mta.Storage;

/// <summary>What a caller can do after a failure of the store.</summary>
public enum StorageFailure
{
    /// <summary>The database is away or busy; try again later, answer 451 meanwhile.</summary>
    Retry,
    /// <summary>The row is no longer ours, or the node's epoch has ended.</summary>
    Conflict,
    /// <summary>The data or the schema does not fit; trying again does not help.</summary>
    Fatal,
    /// <summary>A COMMIT was sent and its answer is not known.</summary>
    Unknown,
}

/// <summary>The one exception that leaves the store.</summary>
public sealed class StorageException(StorageFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public StorageFailure Failure { get; } = failure;
}
