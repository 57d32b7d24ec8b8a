using System.Globalization;

namespace Mta.Core.Qmgr;

/// <summary>
/// How much one success or failure changes a destination's concurrency: a number, <c>number / concurrency</c>, or
/// <c>number / sqrt_concurrency</c> (default_destination_concurrency_positive_feedback and _negative_feedback).
/// </summary>
public readonly record struct ConcurrencyFeedback(double Base, ConcurrencyFeedback.Scaling By)
{
    public enum Scaling : byte
    {
        None,
        Concurrency,
        SqrtConcurrency,
    }

    /// <summary>Reads the parameter's text; false when it is none of the three forms, or out of 0 to 1.</summary>
    public static bool TryParse(string text, out ConcurrencyFeedback feedback)
    {
        feedback = default;
        var parts = text.Split('/', StringSplitOptions.TrimEntries);
        if (parts.Length is 0 or > 2 || !double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || number is not (>= 0 and <= 1))
        {
            return false;
        }

        Scaling? by = parts.Length == 1 ? Scaling.None : parts[1] switch
        {
            "concurrency" => Scaling.Concurrency,
            "sqrt_concurrency" => Scaling.SqrtConcurrency,
            _ => null,
        };
        feedback = new ConcurrencyFeedback(number, by ?? default);
        return by is not null;
    }

    public double At(double window) => By switch
    {
        Scaling.Concurrency => Base / window,
        Scaling.SqrtConcurrency => Base / Math.Sqrt(window),
        _ => Base,
    };
}
