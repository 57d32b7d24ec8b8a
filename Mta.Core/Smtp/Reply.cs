namespace Mta.Core.Smtp;

/// <summary>A reply of a remote server, kept because a status is made of it.</summary>
/// <param name="Code">Three digits.</param>
/// <param name="Text">All lines with their codes, joined by spaces; printable.</param>
/// <param name="EnhancedCode">The enhanced status code of its last line when its class is that of the code (RFC 2034 section 4); null when none.</param>
public sealed record Reply(int Code, string Text, string? EnhancedCode)
{
    /// <summary>2, 4 or 5; anything else is no answer to a command and counts as 4.</summary>
    public int Class => (Code / 100) is 2 or 5 ? Code / 100 : 4;

    /// <summary>The enhanced status code, made up from the class when the server gave none.</summary>
    public string Dsn => EnhancedCode ?? Class switch { 2 => "2.0.0", 5 => "5.0.0", _ => "4.0.0" };

    /// <summary>The same reply as a temporary one: a 552 for a recipient (RFC 5321 section 4.5.3.1.10), a greeting that says 554.</summary>
    public Reply AsTemporary() => Class == 4 ? this : this with { Code = 400 + (Code % 100), EnhancedCode = "4" + Dsn[1..] };
}
