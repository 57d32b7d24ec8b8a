using System.Text.Encodings.Web;
using System.Text.Json;
using Mta.Core.Config;

namespace Mta.Tools;

/// <summary>Prints lines as postconf does: words apart by one space, folded at 80 columns when asked for.</summary>
internal sealed class PostconfPrinter(TextWriter output, bool folds)
{
    private static readonly JsonSerializerOptions JsonText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };


    private const int LineLimit = 80;
    private const int Indent = 4;

    /// <summary>The columns that the eight fields of master.cf begin at.</summary>
    private static readonly int[] Columns = [0, 11, 17, 25, 33, 41, 49, 57];

    private static readonly char[] WhiteSpace = [' ', '\t', '\r', '\n'];

    private readonly PostconfOptions? options;

    private int column;

    /// <summary>The text of an -o option, in braces when it has white space.</summary>
    public static string Override(string name, string value)
    {
        var setting = $"{name}={value}";
        return setting.AsSpan().ContainsAny(" \t") ? $"{{{setting}}}" : setting;
    }

    /// <summary>An entry of master.cf as an edit writes it.</summary>
    public static string FormatMasterEntry(IReadOnlyList<string> fields)
    {
        using var text = new StringWriter();
        new PostconfPrinter(text, folds: true).MasterEntry(fields, Tidy);
        return text.ToString();

        static string Tidy(string option) =>
            MainCf.TrySplit(ValueList.Unbrace(option), out var name, out var value, out _) ? Override(name, value) : option;
    }

    public PostconfPrinter(TextWriter output, PostconfOptions options)
        : this(output, options.Has('f'))
    {
        this.options = options;
    }

    /// <summary>A name and its value, of which the options may want one only, as JSON, or with where it comes from.</summary>
    public void Setting(string name, string value, Func<string> source)
    {
        if (options!.Has('j'))
        {
            output.Write(options.Has('S')
                ? $"{{{Json(name)}: {Json(value)}, \"source\": {Json(source())}}}\n"
                : $"{{{Json(name)}: {Json(value)}}}\n");
            return;
        }

        var text = options.Has('H') ? name : options.Has('h') ? value : $"{name} = {value}";
        Line(options.Has('S') ? $"{source()}: {text}" : text);
    }

    /// <summary>The eight fields of an entry of master.cf as one JSON object.</summary>
    public void JsonEntry(IEnumerable<KeyValuePair<string, string>> fields) =>
        output.Write($"{{{string.Join(", ", fields.Select(f => $"{Json(f.Key)}: {Json(f.Value)}"))}}}\n");

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
            inOptions &= word is ['-', _, ..];
            var isSetting = inOptions && word.StartsWith("-o", StringComparison.Ordinal) && (word.Length > 2 || i + 1 < fields.Count);
            if (isSetting)
            {
                word = "-o " + expand(word.Length > 2 ? word[2..] : fields[++i]);
            }

            // When folded, a setting has a line of its own.
            column = isSetting || hadOption ? LineLimit : column;
            hadOption = isSetting;
            Word(word, LineLimit - 1);
        }

        End();
    }

    private static string Json(string text) => JsonSerializer.Serialize(text, JsonText);

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
