namespace Mta.Tools;

/// <summary>Prints lines as postconf does: words apart by one space, folded at 80 columns when asked for.</summary>
internal sealed class PostconfPrinter(TextWriter output, bool folds)
{
    private const int LineLimit = 80;
    private const int Indent = 4;

    /// <summary>The columns that the eight fields of master.cf begin at.</summary>
    private static readonly int[] Columns = [0, 11, 17, 25, 33, 41, 49, 57];

    private static readonly char[] WhiteSpace = [' ', '\t', '\r', '\n'];

    private int column;

    public void Line(string text)
    {
        foreach (var word in text.Split(WhiteSpace, StringSplitOptions.RemoveEmptyEntries))
        {
            Word(word, LineLimit);
        }

        End();
    }

    /// <param name="expand">What to print for the value of <c>-o</c>; also says how it is written.</param>
    public void MasterEntry(IReadOnlyList<string> fields, Func<string, string> expand)
    {
        for (var i = 0; i < Columns.Length; i++)
        {
            if (i > 0)
            {
                var width = Math.Max(1, Columns[i] - column);
                output.Write(new string(' ', width));
                column += width;
            }

            output.Write(fields[i]);
            column += fields[i].Length;
        }

        var inOptions = true;
        var hadOption = false;
        for (var i = Columns.Length; i < fields.Count; i++)
        {
            var word = fields[i];
            if (inOptions && (word.Length < 2 || word[0] != '-'))
            {
                inOptions = false;
                column = hadOption ? LineLimit : column;
            }
            else if (inOptions && word.StartsWith("-o", StringComparison.Ordinal) && (word.Length > 2 || i + 1 < fields.Count))
            {
                hadOption = true;
                column = LineLimit;
                word = "-o " + expand(word.Length > 2 ? word[2..] : fields[++i]);
            }

            Word(word, LineLimit - 1);
        }

        End();
    }

    private void Word(string word, int limit)
    {
        if (column > 0)
        {
            var fits = !folds || column <= Indent || column + 1 + word.Length <= limit;
            output.Write(fits ? " " : "\n    ");
            column = fits ? column + 1 : Indent;
        }

        output.Write(word);
        column += word.Length;
    }

    private void End()
    {
        output.Write('\n');
        column = 0;
    }
}
