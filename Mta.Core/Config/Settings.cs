using System.Collections.Frozen;
using System.Globalization;

namespace Mta.Core.Config;

/// <summary>An immutable snapshot of the effective configuration of one service; reload makes a new one.</summary>
public sealed class Settings
{
    private readonly FrozenDictionary<string, string> explicitValues;
    private readonly object?[] parsed = new object?[Parameters.All.Count];

    public Settings(IEnumerable<KeyValuePair<string, string>> values) =>
        explicitValues = values.ToFrozenDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);

    /// <summary>The value of a parameter, expanded and parsed; the parsed value is kept.</summary>
    public T Get<T>(Parameter<T> parameter)
    {
        if (parsed[parameter.Ordinal] is T known)
        {
            return known;
        }

        var value = Parse(parameter);
        parsed[parameter.Ordinal] = value;
        return value;
    }

    /// <summary>A snapshot in which <paramref name="overrides"/> (a service's <c>-o</c> in master.cf) come first.</summary>
    public Settings With(IEnumerable<KeyValuePair<string, string>> overrides)
    {
        var merged = new Dictionary<string, string>(explicitValues, StringComparer.Ordinal);
        foreach (var (name, value) in overrides)
        {
            merged[name] = value;
        }

        return new Settings(merged);
    }

    /// <summary>The expanded text of any name, known or user-defined; null when it is neither.</summary>
    public string? Text(string name) =>
        explicitValues.TryGetValue(name, out var text) ? text : Parameters.ByName.GetValueOrDefault(name)?.DefaultText;

    private T Parse<T>(Parameter<T> parameter)
    {
        var text = Text(parameter.Name) ?? "";
        object value = parameter.Kind switch
        {
            ParameterKind.Bool => text == "yes",
            ParameterKind.Int => int.Parse(text, CultureInfo.InvariantCulture),
            ParameterKind.Long => long.Parse(text, CultureInfo.InvariantCulture),
            ParameterKind.Time => TimeSpan.FromSeconds(long.Parse(text.TrimEnd('s', 'm', 'h', 'd', 'w'), CultureInfo.InvariantCulture)),
            _ => text,
        };
        return (T)value;
    }
}
