namespace Mta.Core.Headers;

/// <summary>What a rule of header_checks(5) says.</summary>
public enum CheckAction : byte
{
    Unknown = 0,
    Bcc,
    Discard,
    /// <summary>DUNNO, and OK as of old.</summary>
    Dunno,
    Filter,
    Hold,
    Ignore,
    Info,
    Pass,
    Prepend,
    Redirect,
    Reject,
    Replace,
    Strip,
    Warn,
}

/// <summary>The result of a rule: an action, and the text behind it.</summary>
public readonly record struct CheckRule(CheckAction Action, string Text)
{
    public static CheckRule Parse(string value)
    {
        var space = value.AsSpan().IndexOfAny(' ', '\t');
        var name = space < 0 ? value : value[..space];
        return new CheckRule(Find(name), space < 0 ? "" : value[space..].TrimStart());
    }

    private static CheckAction Find(string name) => name.ToUpperInvariant() switch
    {
        "BCC" => CheckAction.Bcc,
        "DISCARD" => CheckAction.Discard,
        "DUNNO" or "OK" => CheckAction.Dunno,
        "FILTER" => CheckAction.Filter,
        "HOLD" => CheckAction.Hold,
        "IGNORE" => CheckAction.Ignore,
        "INFO" => CheckAction.Info,
        "PASS" => CheckAction.Pass,
        "PREPEND" => CheckAction.Prepend,
        "REDIRECT" => CheckAction.Redirect,
        "REJECT" => CheckAction.Reject,
        "REPLACE" => CheckAction.Replace,
        "STRIP" => CheckAction.Strip,
        "WARN" => CheckAction.Warn,
        _ => CheckAction.Unknown,
    };
}
