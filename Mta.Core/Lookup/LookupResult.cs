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

    /// <summary>For a failure: the table has told the log its reason already.</summary>
    public bool IsReported { get; init; }

    public bool IsFound => Outcome == LookupOutcome.Found;

    public bool IsFailed => Outcome == LookupOutcome.Failed;

    /// <summary>The value when found.</summary>
    public string Value => Text;

    public static LookupResult Found(string value) => new(LookupOutcome.Found, value);

    /// <summary>The table failed, with the reason for the log; lines of a reason are log lines.</summary>
    public static LookupResult Failed(string reason) => new(LookupOutcome.Failed, reason);

    /// <summary>This failure, with another line for the log that says what was asked of whom.</summary>
    public LookupResult FailedAt(string line) => Failed(IsReported || Text.Length == 0 ? line : $"{Text}\n{line}");
}
