using System.Diagnostics.CodeAnalysis;

namespace Mta.Core.Queue;

/// <summary>
/// The id of a message: microseconds since <see cref="EpochUnixSeconds"/> and the number of the node that made it, in one bigint.
/// Its text is a long queue id of Postfix (enable_long_queue_ids), and the two map to each other without loss.
/// </summary>
/// <param name="Value">Microseconds shifted left by <see cref="NodeBits"/>, with the node number in the low bits.</param>
public readonly record struct QueueId(long Value) : IComparable<QueueId>
{
    /// <summary>Node numbers are 0 to 4095; 0 to 15 belong to messages made by SQL.</summary>
    public const int NodeBits = 12;

    public const int MaxNodeNumber = (1 << NodeBits) - 1;

    /// <summary>2020-01-01T00:00:00Z: 51 bits of microseconds from there end in 2091.</summary>
    public const long EpochUnixSeconds = 1_577_836_800;

    // Digits and consonants, as in Postfix: no id spells a word. 'z' separates the time from the rest, which is written in base 51.
    private const string Alphabet = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    private const int SecondsDigits = 6;
    private const int MicrosecondDigits = 4;

    // Added to the node number so that the last part has four digits and the whole is as long as Postfix's ids, which log tools expect.
    private const long NodeOffset = 51L * 51 * 51;

    public int NodeNumber => (int)(Value & MaxNodeNumber);

    /// <summary>Microseconds since 1970-01-01T00:00:00Z.</summary>
    public long UnixMicroseconds => (Value >> NodeBits) + (EpochUnixSeconds * 1_000_000);

    public DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddTicks(UnixMicroseconds * TimeSpan.TicksPerMicrosecond);

    public static QueueId Create(long unixMicroseconds, int nodeNumber)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(unixMicroseconds, EpochUnixSeconds * 1_000_000);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodeNumber, MaxNodeNumber);
        ArgumentOutOfRangeException.ThrowIfNegative(nodeNumber);
        return new QueueId(((unixMicroseconds - (EpochUnixSeconds * 1_000_000)) << NodeBits) | (long)nodeNumber);
    }

    /// <summary>Reads the text of an id; false for text that no <see cref="ToString"/> writes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out QueueId id)
    {
        id = default;
        if (text is null || text.Length is < SecondsDigits + MicrosecondDigits + 2 or > 24)
        {
            return false;
        }

        var separator = text.LastIndexOf('z');
        var secondsEnd = separator - MicrosecondDigits;
        if (secondsEnd < SecondsDigits
            || !TryDecode(text.AsSpan(0, secondsEnd), 52, out var seconds)
            || !TryDecode(text.AsSpan(secondsEnd, MicrosecondDigits), 52, out var microseconds)
            || !TryDecode(text.AsSpan(separator + 1), 51, out var node))
        {
            return false;
        }

        node -= NodeOffset;
        if (node is < 0 or > MaxNodeNumber || microseconds >= 1_000_000 || seconds < EpochUnixSeconds || seconds - EpochUnixSeconds >= 1L << 31)
        {
            return false;
        }

        id = Create((seconds * 1_000_000) + microseconds, (int)node);
        return id.ToString() == text;
    }

    public override string ToString()
    {
        Span<char> buffer = stackalloc char[24];
        return new string(buffer[..Format(buffer)]);
    }

    /// <summary>Writes the id into <paramref name="destination"/>, which has room for 24 characters, and returns its length.</summary>
    public int Format(Span<char> destination)
    {
        var (seconds, microseconds) = Math.DivRem(UnixMicroseconds, 1_000_000);
        var length = Encode(seconds, 52, SecondsDigits, destination);
        length += Encode(microseconds, 52, MicrosecondDigits, destination[length..]);
        destination[length++] = 'z';
        return length + Encode(NodeNumber + NodeOffset, 51, 1, destination[length..]);
    }

    public int CompareTo(QueueId other) => Value.CompareTo(other.Value);

    public static bool operator <(QueueId left, QueueId right) => left.Value < right.Value;

    public static bool operator >(QueueId left, QueueId right) => left.Value > right.Value;

    public static bool operator <=(QueueId left, QueueId right) => left.Value <= right.Value;

    public static bool operator >=(QueueId left, QueueId right) => left.Value >= right.Value;

    private static int Encode(long value, int radix, int minimum, Span<char> destination)
    {
        var length = 0;
        while (value > 0 || length < minimum)
        {
            destination[length++] = Alphabet[(int)(value % radix)];
            value /= radix;
        }

        destination[..length].Reverse();
        return length;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, int radix, out long value)
    {
        value = 0;
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0 || digit >= radix)
            {
                return false;
            }

            value = (value * radix) + digit;
        }

        return text.Length > 0;
    }
}
