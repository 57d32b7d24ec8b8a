namespace Mta.Core.Lookup;

public enum LookupOutcome : byte
{
    NotFound = 0,
    Found = 1,
    /// <summary>The table could not answer; this never means "not found": mail is deferred.</summary>
    Failed = 2,
}

/// <summary>What a table said of a key.</summary>
public readonly record struct LookupResult(LookupOutcome Outcome, string Text)
{
    public static LookupResult NotFound => default;

    public bool IsFound => Outcome == LookupOutcome.Found;

    public bool IsFailed => Outcome == LookupOutcome.Failed;

    /// <summary>The value when found.</summary>
    public string Value => Text;

    public static LookupResult Found(string value) => new(LookupOutcome.Found, value);

    /// <summary>The table failed, with the reason for the log.</summary>
    public static LookupResult Failed(string reason) => new(LookupOutcome.Failed, reason);
}
