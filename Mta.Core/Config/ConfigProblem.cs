namespace Mta.Core.Config;

/// <summary>How bad a problem of the configuration is.</summary>
public enum ConfigSeverity
{
    /// <summary>Odd, and the configuration is used as it is.</summary>
    Warning,

    /// <summary>The configuration cannot be used.</summary>
    Error,
}

/// <summary>One problem of main.cf or master.cf: where it is, what it is, and how to mend it.</summary>
/// <param name="Line">The line that the logical line begins on, from 1; 0 when the problem has no line.</param>
public sealed record ConfigProblem(ConfigSeverity Severity, string File, int Line, string Text)
{
    public bool IsError => Severity == ConfigSeverity.Error;

    public static ConfigProblem Error(string file, int line, string text) => new(ConfigSeverity.Error, file, line, text);

    public static ConfigProblem Warning(string file, int line, string text) => new(ConfigSeverity.Warning, file, line, text);

    /// <summary>The form of Postfix's messages: <c>FILE, line N: text</c>.</summary>
    public override string ToString() => (File, Line) switch
    {
        ("", _) => Text,
        (_, 0) => $"{File}: {Text}",
        _ => $"{File}, line {Line}: {Text}",
    };
}
