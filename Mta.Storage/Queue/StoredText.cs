using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mta.Storage.Queue;

/// <summary>Text from outside on its way into SQL: PostgreSQL refuses NUL, and lone surrogates do not encode.</summary>
internal static class StoredText
{
    private static readonly SearchValues<char> Suspicious = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(c => (char)c), (char)127, .. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    [return: NotNullIfNotNull(nameof(text))]
    public static string? CleanOrNull(string? text) => text is null ? null : Clean(text);

    /// <summary>The text itself when it is clean; control characters and lone surrogates become <c>?</c>.</summary>
    public static string Clean(string text) => text.AsSpan().ContainsAny(Suspicious) ? Replace(text) : text;

    private static string Replace(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                var c = source[i];
                if (char.IsHighSurrogate(c) && i + 1 < span.Length && char.IsLowSurrogate(source[i + 1]))
                {
                    span[i] = c;
                    span[++i] = source[i];
                }
                else
                {
                    span[i] = char.IsControl(c) || char.IsSurrogate(c) ? '?' : c;
                }
            }
        });
}
