using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mta.Core.Config;

namespace Mta.Tools;

/// <summary>
/// Prints lines as postconf does: words apart by one space, folded at 80 columns when asked for. They are kept until <see cref="Flush"/>: of
/// what cannot be shown whole, nothing is shown.
/// </summary>
internal sealed class PostconfPrinter(bool folds)
{
    private static readonly JsonSerializerOptions JsonText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const int LineLimit = 80;
    private const int Indent = 4;

    /// <summary>The columns that the eight fields of master.cf begin at.</summary>
    private static readonly int[] Columns = [0, 11, 17, 25, 33, 41, 49, 57];

    private static readonly char[] WhiteSpace = [' ', '\t', '\r', '\n'];

    private readonly PostconfOptions? options;
    private readonly StringBuilder output = new();

    private int column;

    /// <summary>An entry of master.cf as an edit writes it.</summary>
    public static string FormatMasterEntry(IReadOnlyList<string> fields)
    {
        var printer = new PostconfPrinter(folds: true);
        printer.MasterEntry(fields, Tidy);
        return printer.output.ToString();

        static string Tidy(string option) =>
            MainCf.TrySplit(ValueList.Unbrace(option), out var name, out var value, out _) ? MasterOptions.Format(name, value) : option;
    }

    public PostconfPrinter(PostconfOptions options)
        : this(options.Has('f'))
    {
        this.options = options;
    }

    /// <summary>Writes what was printed; each character is a byte of a file.</summary>
    public void Flush(Terminal terminal)
    {
        terminal.Output.Write(Encoding.Latin1.GetBytes(output.ToString()));
        output.Clear();
    }

    /// <summary>A name and its value, of which the options may want one only, as JSON, or with where it comes from.</summary>
    public void Setting(string name, string value, Func<string> source)
    {
        if (options!.Has('j'))
        {
            output.Append(options.Has('S')
                ? $"{{{Json(name)}: {Json(value)}, \"source\": {Json(source())}}}\n"
                : $"{{{Json(name)}: {Json(value)}}}\n");
            return;
        }

        var text = options.Has('H') ? name : options.Has('h') ? value : $"{name} = {value}";
        Line(options.Has('S') ? $"{source()}: {text}" : text);
    }

    /// <summary>The eight fields of an entry of master.cf as one JSON object.</summary>
    public void JsonEntry(IEnumerable<KeyValuePair<string, string>> fields) =>
        output.Append($"{{{string.Join(", ", fields.Select(f => $"{Json(f.Key)}: {Json(f.Value)}"))}}}\n");

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
                output.Append(' ', width);
                column += width;
            }

            output.Append(fields[i]);
            column += fields[i].Length;
        }

        Arguments(fields, expand);
    }

    /// <summary>The last field of an entry of master.cf, with what its command is given.</summary>
    public void Command(string name, IReadOnlyList<string> fields, Func<string, string> expand)
    {
        if (options!.Has('H'))
        {
            Line(name);
            return;
        }

        var text = options.Has('h') ? fields[Columns.Length - 1] : $"{name} = {fields[Columns.Length - 1]}";
        output.Append(text);
        column = text.Length;
        Arguments(fields, expand);
    }

    private void Arguments(IReadOnlyList<string> fields, Func<string, string> expand)
    {
        var inOptions = true;
        var hadOption = false;
        for (var i = Columns.Length; i < fields.Count; i++)
        {
            var word = fields[i];
            inOptions &= word is ['-', _, ..] and not "--";
            var isSetting = inOptions && word == "-o" && i + 1 < fields.Count;
            if (isSetting)
            {
                word = "-o " + expand(fields[++i]);
            }

            // When folded, a setting has a line of its own.
            column = isSetting || hadOption ? LineLimit : column;
            hadOption = isSetting;
            Word(word, LineLimit - 1);
        }

        End();
    }

    /// <summary>JSON is UTF-8, whatever the bytes of the file are.</summary>
    private static string Json(string text) => PostconfFile.AsBytes(JsonSerializer.Serialize(PostconfFile.AsText(text), JsonText));

    private void Word(string word, int limit)
    {
        if (column > 0)
        {
            var fits = !folds || column <= Indent || column + 1 + word.Length <= limit;
            output.Append(fits ? " " : "\n    ");
            column = fits ? column + 1 : Indent;
        }

        output.Append(word);
        column += word.Length;
    }

    private void End()
    {
        output.Append('\n');
        column = 0;
    }
}
