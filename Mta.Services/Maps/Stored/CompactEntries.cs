using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// Keys and values in one block of bytes behind a hash table of positions: a hundred thousand short entries take some six megabytes, a
/// third of what strings would, and give the garbage collector nothing to walk. Immutable.
/// </summary>
internal sealed class CompactEntries
{
    private const int StackKey = 256;

    private readonly byte[] data;

    /// <summary>The position in <see cref="data"/> after each hash, plus one; 0 is an empty slot. Its length is a power of two.</summary>
    private readonly int[] slots;

    private CompactEntries(byte[] data, int[] slots)
    {
        this.data = data;
        this.slots = slots;
    }

    public bool TryGet(string key, [NotNullWhen(true)] out string? value)
    {
        var length = Encoding.UTF8.GetMaxByteCount(key.Length);
        var rented = length > StackKey ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> wanted = rented ?? stackalloc byte[StackKey];
        wanted = wanted[..Encoding.UTF8.GetBytes(key, wanted)];
        value = null;
        for (var slot = key.GetHashCode(StringComparison.Ordinal) & (slots.Length - 1); slots[slot] != 0; slot = (slot + 1) & (slots.Length - 1))
        {
            var entry = data.AsSpan(slots[slot] - 1);
            var found = Take(ref entry);
            if (found.SequenceEqual(wanted))
            {
                value = Encoding.UTF8.GetString(Take(ref entry));
                break;
            }
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return value is not null;
    }

    /// <summary>A text with its length before it, seven bits a byte, the last without the eighth.</summary>
    private static ReadOnlySpan<byte> Take(ref Span<byte> entry)
    {
        var length = 0;
        var at = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = entry[at++];
            length |= (part & 0x7f) << shift;
            if (part < 0x80)
            {
                break;
            }
        }

        var text = entry.Slice(at, length);
        entry = entry[(at + length)..];
        return text;
    }

    /// <summary>Collects entries, each key once.</summary>
    /// <param name="maximumBytes">Of keys and values together, with a few bytes for each.</param>
    public sealed class Builder(int maximumBytes)
    {
        private readonly List<(int Hash, int Position)> entries = [];
        private byte[] data = new byte[64 * 1024];
        private int length;

        /// <summary>False when it does not fit any more.</summary>
        public bool TryAdd(string key, string value)
        {
            const int longestPrefixes = 2 * 5;
            var needed = length + longestPrefixes + Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
            if (needed > maximumBytes)
            {
                return false;
            }

            if (needed > data.Length)
            {
                Array.Resize(ref data, Math.Max(needed, data.Length * 2));
            }

            entries.Add((key.GetHashCode(StringComparison.Ordinal), length));
            Append(key);
            Append(value);
            return true;
        }

        public CompactEntries Build()
        {
            // At most two thirds full, so that a search for what is not there ends soon.
            var slots = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, entries.Count * 3 / 2))];
            foreach (var (hash, position) in entries)
            {
                var slot = hash & (slots.Length - 1);
                while (slots[slot] != 0)
                {
                    slot = (slot + 1) & (slots.Length - 1);
                }

                slots[slot] = position + 1;
            }

            Array.Resize(ref data, length);
            return new CompactEntries(data, slots);
        }

        private void Append(string text)
        {
            var bytes = (uint)Encoding.UTF8.GetByteCount(text);
            for (var rest = bytes; ; rest >>= 7)
            {
                data[length++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
                if (rest < 0x80)
                {
                    break;
                }
            }

            length += Encoding.UTF8.GetBytes(text, data.AsSpan(length));
        }
    }
}
