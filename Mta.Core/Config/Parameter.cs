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

/// <summary>What goes with the kinds.</summary>
public static class ParameterKinds
{
    /// <summary>The unit of a number without one is the last character of the default.</summary>
    public static char DefaultUnit(Parameter parameter) => parameter.DefaultText is [.., var last] && char.IsAsciiLetter(last) ? last : 's';
}

/// <summary>One main.cf parameter: name, default as written in main.cf syntax, kind and range.</summary>
public abstract class Parameter
{
    private protected Parameter(string name, string defaultText, ParameterKind kind)
    {
        Name = name;
        DefaultText = defaultText;
        Kind = kind;
        Choices = ParameterChoices.Of(name);
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

    /// <summary>The words that a text is made of; null when any text will do.</summary>
    public ParameterChoices? Choices { get; }

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
