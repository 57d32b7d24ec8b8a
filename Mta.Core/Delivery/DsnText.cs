namespace Mta.Core.Delivery;

/// <summary>A text that may begin with a status code of RFC 3463, as transports like <c>error:5.1.1 unknown user</c> have it.</summary>
public readonly record struct DsnText(string? Dsn, string Text)
{
    /// <summary>Takes the code off; <see cref="Dsn"/> is null when there is none.</summary>
    public static DsnText Parse(string text)
    {
        var length = CodeLength(text);
        return length == 0 ? new DsnText(null, text) : new DsnText(text[..length], text[length..].TrimStart());
    }

    // class "." subject "." detail, subject and detail of one to three digits, then a blank or the end.
    private static int CodeLength(ReadOnlySpan<char> text)
    {
        if (text.Length < 5 || text[0] is not ('2' or '4' or '5') || text[1] != '.')
        {
            return 0;
        }

        var subject = Digits(text[2..]);
        var dot = 2 + subject;
        if (subject is < 1 or > 3 || dot >= text.Length || text[dot] != '.')
        {
            return 0;
        }

        var detail = Digits(text[(dot + 1)..]);
        var end = dot + 1 + detail;
        return detail is >= 1 and <= 3 && (end == text.Length || char.IsWhiteSpace(text[end])) ? end : 0;
    }

    private static int Digits(ReadOnlySpan<char> text)
    {
        var other = text.IndexOfAnyExceptInRange('0', '9');
        return other < 0 ? text.Length : other;
    }
}
