using System.Globalization;

namespace Mta.Core.Config;

/// <summary>A compatibility level, <c>major[.minor[.patch]]</c>: which defaults a configuration was written for.</summary>
public readonly record struct CompatibilityLevel(int Major, int Minor, int Patch) : IComparable<CompatibilityLevel>
{
    /// <summary>The last level that changed a default; below it the old defaults are used and warned of.</summary>
    public static readonly CompatibilityLevel Last = new(3, 11, 0);

    public static bool operator <(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) < 0;

    public static bool operator >(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) > 0;

    public static bool operator <=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) <= 0;

    public static bool operator >=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) >= 0;

    public static bool TryParse(ReadOnlySpan<char> text, out CompatibilityLevel level)
    {
        Span<int> parts = stackalloc int[3];
        parts.Clear();
        level = default;
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            if (count == 3 || !int.TryParse(text[range], NumberStyles.None, CultureInfo.InvariantCulture, out parts[count++]))
            {
                return false;
            }
        }

        level = new CompatibilityLevel(parts[0], parts[1], parts[2]);
        return true;
    }

    public int CompareTo(CompatibilityLevel other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    public override string ToString() => Patch != 0 ? $"{Major}.{Minor}.{Patch}" : Minor != 0 ? $"{Major}.{Minor}" : $"{Major}";
}
