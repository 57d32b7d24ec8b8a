namespace Mta.Core.Log;

/// <summary>
/// A delay as Postfix's log lines print it: two significant digits, no finer than the resolution, no trailing zeros; whole seconds are
/// never rounded.
/// </summary>
/// <param name="Seconds">Below zero counts as zero (a clock was set back).</param>
/// <param name="Resolution">Digits after the point at most (delay_logging_resolution_limit), 0 to 6.</param>
public readonly record struct LogDelay(double Seconds, int Resolution = 2) : IUtf8SpanFormattable
{
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        var digits = DigitsAfterPoint();
        var scaled = (long)Math.Round(Math.Max(0, Seconds) * Scale(digits), MidpointRounding.AwayFromZero);
        while (digits > 0 && scaled % 10 == 0)
        {
            scaled /= 10;
            digits--;
        }

        var (whole, fraction) = Math.DivRem(scaled, Scale(digits));
        if (!whole.TryFormat(utf8Destination, out bytesWritten, default, provider))
        {
            return false;
        }

        if (digits == 0)
        {
            return true;
        }

        if (utf8Destination.Length < bytesWritten + 1 + digits)
        {
            return false;
        }

        utf8Destination[bytesWritten] = (byte)'.';
        for (var i = digits; i > 0; i--)
        {
            utf8Destination[bytesWritten + i] = (byte)('0' + (fraction % 10));
            fraction /= 10;
        }

        bytesWritten += 1 + digits;
        return true;
    }

    public override string ToString()
    {
        Span<byte> buffer = stackalloc byte[32];
        return TryFormat(buffer, out var written, default, null) ? System.Text.Encoding.ASCII.GetString(buffer[..written]) : "";
    }

    // Two significant digits: 12 -> 0, 1.2 -> 1, 0.12 -> 2, 0.012 -> 3, bounded by the resolution.
    private int DigitsAfterPoint()
    {
        var digits = 0;
        for (var value = Math.Max(0, Seconds); value < 10 && digits < Resolution; value *= 10)
        {
            digits++;
        }

        return digits;
    }

    private static long Scale(int digits)
    {
        var scale = 1L;
        for (; digits > 0; digits--)
        {
            scale *= 10;
        }

        return scale;
    }
}
