namespace Mta.Core.Config;

/// <summary>An element <c>{ text }</c> of a list or of master.cf.</summary>
public static class BracedText
{
    /// <summary>The text between the first brace and the one that closes it, without white space around it.</summary>
    /// <param name="element">Begins with a brace.</param>
    /// <param name="problem">What is wrong with the braces; null when nothing is. The text is what there is.</param>
    public static string Read(string element, out string? problem)
    {
        problem = null;
        var depth = 0;
        for (var i = 0; i < element.Length; i++)
        {
            depth += element[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                if (i + 1 < element.Length)
                {
                    problem = $"syntax error after '}}' in \"{element}\"";
                }

                return element.AsSpan(1, i - 1).Trim(Space.Characters).ToString();
            }
        }

        problem = $"missing '}}' in \"{element}\"";
        return element.AsSpan(1).Trim(Space.Characters).ToString();
    }
}
