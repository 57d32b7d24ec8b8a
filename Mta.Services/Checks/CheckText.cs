using System.Text;
using Mta.Core.Headers;

namespace Mta.Services.Checks;

/// <summary>Texts of header and body checks, of one character a byte.</summary>
internal static class CheckText
{
    /// <summary>What is wrong with the text of PREPEND or REPLACE: it has to be there, and in a header it has to be a field. Null when nothing is.</summary>
    public static string? Problem(string action, string text, string map, bool isHeader) =>
        text.Length == 0 ? $"{action} action without text in {map} map"
        : isHeader && HeaderSyntax.NameLength(Encoding.Latin1.GetBytes(text), out _) == 0
            ? $"bad {action} header text \"{Printable(text)}\" in {map} map -- need \"headername: headervalue\""
        : null;

    /// <summary>Text of one character a byte as it is shown in logs and replies.</summary>
    public static string Printable(string bytes) => Ascii.IsValid(bytes) ? bytes : Printable(Encoding.Latin1.GetBytes(bytes));

    /// <summary>What is not UTF-8 becomes question marks, one a byte.</summary>
    public static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                text.Append('?', consumed);
            }

            bytes = bytes[consumed..];
        }

        return text.ToString();
    }
}
