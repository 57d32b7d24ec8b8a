namespace Mta.Core.Config;

/// <summary>Values that are lists: elements apart by commas and white space, where <c>{ }</c> keeps together what it holds.</summary>
public static class ValueList
{
    /// <summary>The elements in order; one in braces keeps them (see <see cref="Unbrace"/>).</summary>
    public static List<string> Split(string text)
    {
        var elements = new List<string>();
        var depth = 0;
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (depth == 0 && text[i] is (',' or ' ' or '\t' or '\r' or '\n')))
            {
                if (start >= 0)
                {
                    elements.Add(text[start..i]);
                }

                start = -1;
                continue;
            }

            start = start < 0 ? i : start;
            depth = text[i] switch { '{' => depth + 1, '}' when depth > 0 => depth - 1, _ => depth };
        }

        return elements;
    }

    /// <summary>The text in the braces of an element that begins and ends with them, else the element as it is.</summary>
    public static string Unbrace(string element) =>
        element is ['{', .., '}'] ? element.AsSpan(1, element.Length - 2).Trim(Space.Characters).ToString() : element;
}
