namespace Mta.Core.Lookup;

/// <summary>The elements of a list in main.cf: separated by commas and white space, where <c>{...}</c> keeps its content together.</summary>
public ref struct ListTokens(ReadOnlySpan<char> text)
{
    private const string Separators = ", \t\r\n";

    private ReadOnlySpan<char> rest = text;

    public ReadOnlySpan<char> Current { get; private set; }

    public readonly ListTokens GetEnumerator() => this;

    public bool MoveNext()
    {
        rest = rest.TrimStart(Separators);
        if (rest.IsEmpty)
        {
            return false;
        }

        var depth = 0;
        var length = 0;
        for (; length < rest.Length; length++)
        {
            var c = rest[length];
            if (c == '{')
            {
                depth++;
            }
            else if (c == '}' && depth > 0)
            {
                depth--;
            }
            else if (depth == 0 && Separators.Contains(c))
            {
                break;
            }
        }

        Current = rest[..length];
        rest = rest[length..];
        return true;
    }
}
