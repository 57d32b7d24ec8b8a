namespace Mta.Benchmarks;

internal static class Statistics
{
    /// <summary>The middle value; the mean of the two middle ones when their number is even. NaN for none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
