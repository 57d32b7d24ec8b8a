namespace Mta.Core.Config;

/// <summary>How the text of a parameter is read.</summary>
public enum ParameterKind
{
    /// <summary>Text after expansion of <c>$name</c>.</summary>
    Text,

    /// <summary>Text that its reader expands itself, so that it is kept as written.</summary>
    Raw,

    /// <summary><c>yes</c> or <c>no</c>.</summary>
    Bool,
    Int,
    Long,

    /// <summary>A number with a unit: s, m, h, d or w; without one, the unit of the default counts.</summary>
    Time,
}

/// <summary>One main.cf parameter: name, default as written in main.cf syntax, kind and range.</summary>
public abstract class Parameter
{
    private protected Parameter(string name, string defaultText, ParameterKind kind)
    {
        Name = name;
        DefaultText = defaultText;
        Kind = kind;
    }

    public string Name { get; }

    /// <summary>The built-in default, before expansion.</summary>
    public string DefaultText { get; }

    public ParameterKind Kind { get; }

    /// <summary>The position in <see cref="Parameters.All"/>; snapshots keep parsed values by it.</summary>
    public int Ordinal { get; internal set; }

    /// <summary>The smallest value allowed, of a text the shortest length; null when there is no bound. Times are in seconds.</summary>
    public long? Min { get; init; }

    public long? Max { get; init; }

    public override string ToString() => Name;
}

/// <summary>A parameter whose value is read as <typeparamref name="T"/>.</summary>
public sealed class Parameter<T> : Parameter
{
    internal Parameter(string name, string defaultText, ParameterKind kind)
        : base(name, defaultText, kind)
    {
    }
}
