using System.Globalization;

namespace Mta.Core.Config;

/// <summary>A compatibility level, <c>major[.minor[.patch]]</c>: which defaults a configuration was written for.</summary>
public readonly record struct CompatibilityLevel(long Major, int Minor, int Patch) : IComparable<CompatibilityLevel>
{
    /// <summary>The last level that changed a default; below it the old defaults are used and warned of.</summary>
    public static readonly CompatibilityLevel Last = new(3, 11, 0);

    /// <summary>As in Postfix, which packs the parts into one number.</summary>
    private const int PartLimit = 1023;

    public static bool operator <(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) < 0;

    public static bool operator >(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) > 0;

    public static bool operator <=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) <= 0;

    public static bool operator >=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) >= 0;

    public static bool TryParse(ReadOnlySpan<char> text, out CompatibilityLevel level)
    {
        Span<long> parts = stackalloc long[3];
        parts.Clear();
        level = default;
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            if (count == 3 || !long.TryParse(text[range], NumberStyles.None, CultureInfo.InvariantCulture, out parts[count++]))
            {
                return false;
            }
        }

        if (parts[1] > PartLimit || parts[2] > PartLimit)
        {
            return false;
        }

        level = new CompatibilityLevel(parts[0], (int)parts[1], (int)parts[2]);
        return true;
    }

    public int CompareTo(CompatibilityLevel other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    public override string ToString() => Patch != 0 ? $"{Major}.{Minor}.{Patch}" : Minor != 0 ? $"{Major}.{Minor}" : $"{Major}";
}
