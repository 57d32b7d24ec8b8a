using System.Globalization;

namespace Mta.Core.Config;

/// <summary>Reads the expanded text of a parameter as its kind, within its range.</summary>
internal static class ParameterReader
{
    private static readonly object Yes = true;
    private static readonly object No = false;

    /// <summary>
    /// The value of <paramref name="name"/>, the parameter's own or that of one transport; or null, and in <paramref name="error"/> what is
    /// wrong and how to mend it.
    /// </summary>
    public static object? Read(Parameter parameter, string name, string text, out string? error)
    {
        error = null;
        switch (parameter.Kind)
        {
            case ParameterKind.Bool:
                return text.Equals("yes", StringComparison.OrdinalIgnoreCase) ? Yes
                    : text.Equals("no", StringComparison.OrdinalIgnoreCase) ? No
                    : Fail(out error, $"bad boolean configuration: {name} = {text} (write yes or no)");
            case ParameterKind.Int:
                return TryReadNumber(parameter, name, text, int.MaxValue, out var narrow, out error) ? (int)narrow : null;
            case ParameterKind.Long:
                return TryReadNumber(parameter, name, text, long.MaxValue, out var wide, out error) ? wide : null;
            case ParameterKind.Time:
                return TryReadTime(parameter, name, text, out var seconds, out error) ? TimeSpan.FromSeconds(seconds) : null;
            default:
                return parameter.Choices is { } choices && choices.FindWrong(text) is { } wrong
                        ? Fail(out error, $"bad value of {name}: \"{wrong}\" ({choices.Remedy()})")
                    : text.Length < parameter.Min
                        ? Fail(out error, $"bad string length {text.Length} < {parameter.Min}: {name} = {text} (give it a value)")
                    : text.Length > parameter.Max ? Fail(out error, $"bad string length {text.Length} > {parameter.Max}: {name} = {text}")
                    : text;
        }
    }

    private static bool TryReadNumber(Parameter parameter, string name, string text, long largest, out long value, out string? error)
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) || value > largest || value < -largest)
        {
            error = $"bad numerical configuration: {name} = {text} (write a whole number{Bounds(parameter)})";
            return false;
        }

        return IsInRange(parameter, name, value, out error);
    }

    private static bool TryReadTime(Parameter parameter, string name, string text, out long seconds, out string? error)
    {
        seconds = 0;
        var unit = text.Length > 0 && char.IsAsciiLetter(text[^1]) ? text[^1] : ParameterKinds.DefaultUnit(parameter);
        var digits = text.AsSpan(0, text.Length > 0 && char.IsAsciiLetter(text[^1]) ? text.Length - 1 : text.Length);
        var factor = unit switch { 's' => 1L, 'm' => 60, 'h' => 3600, 'd' => 86400, 'w' => 604800, _ => 0 };
        var isNumber = long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count);
        if (factor == 0 || !isNumber || Math.Abs((decimal)count) * factor > int.MaxValue)
        {
            error = $"parameter {name}: bad time value or unit: {text} (write a whole number and s, m, h, d or w, as in {parameter.DefaultText})";
            return false;
        }

        seconds = count * factor;
        return IsInRange(parameter, name, seconds, out error);
    }

    private static bool IsInRange(Parameter parameter, string name, long value, out string? error)
    {
        error = value < parameter.Min ? $"invalid {name} parameter value {value} < {parameter.Min}"
            : value > parameter.Max ? $"invalid {name} parameter value {value} > {parameter.Max}"
            : null;
        return error is null;
    }

    private static string Bounds(Parameter parameter) => (parameter.Min, parameter.Max) switch
    {
        (null, null) => "",
        (_, null) => $" from {parameter.Min}",
        (null, _) => $" up to {parameter.Max}",
        _ => $" from {parameter.Min} to {parameter.Max}",
    };

    private static object? Fail(out string? error, string reason)
    {
        error = reason;
        return null;
    }
}
