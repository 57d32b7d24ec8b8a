using System.Text;
using Mta.Core.Commands;

namespace Mta.Tools;

/// <summary>What a command was started with: its name and its three streams. Tests give their own.</summary>
internal sealed class Terminal : IDisposable
{
    // Output is bytes to the tools: a message or a table's value need not be UTF-8 on the way through.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private StreamWriter? writer;

    public Terminal(string name, Stream input, Stream output, TextWriter error)
    {
        Name = name;
        Input = input;
        Output = output;
        Error = error;
    }

    /// <summary>The command's name, which begins its messages.</summary>
    public string Name { get; }

    public Stream Input { get; }

    /// <summary>Standard output as bytes. Flush <see cref="Out"/> before mixing the two.</summary>
    public Stream Output { get; }

    /// <summary>Standard output as text, buffered; flushed when the command ends.</summary>
    public TextWriter Out => writer ??= new StreamWriter(Output, Utf8, 16384, leaveOpen: true) { NewLine = "\n" };

    public TextWriter Error { get; }

    /// <summary>Standard error is a terminal that somebody looks at.</summary>
    public bool ShowsProgress { get; init; }

    public static Terminal OfProcess(string name)
    {
        var error = new StreamWriter(Console.OpenStandardError(), Utf8, 256) { AutoFlush = true, NewLine = "\n" };
        return new Terminal(name, Console.OpenStandardInput(), Console.OpenStandardOutput(), error) { ShowsProgress = !Console.IsErrorRedirected };
    }

    /// <summary>The same streams for another command that does this one's work.</summary>
    public Terminal Named(string name) => new(name, Input, Output, Error) { ShowsProgress = ShowsProgress };

    /// <summary>Prints <c>name: fatal: text</c> and gives the exit code to end with.</summary>
    public int Fatal(string text, int exitCode = ExitCode.Failure)
    {
        FlushOutput();
        Error.WriteLine($"{Name}: fatal: {text}");
        return exitCode;
    }

    public void Warning(string text)
    {
        FlushOutput();
        Error.WriteLine($"{Name}: warning: {text}");
    }

    /// <summary>What a verbose command says of its work.</summary>
    public void Info(string text)
    {
        FlushOutput();
        Error.WriteLine($"{Name}: {text}");
    }

    /// <summary>Prints what getopt(3) prints for a wrong option.</summary>
    public void Misused(Getopt options) => Error.WriteLine($"{Name}: {options.Problem}");

    public void Dispose()
    {
        try
        {
            writer?.Dispose();
        }
        catch (IOException)
        {
            // Nobody reads it any more.
        }
    }

    private void FlushOutput()
    {
        try
        {
            writer?.Flush();
        }
        catch (IOException)
        {
            // Nobody reads it any more; what is to be said goes to standard error.
        }
    }
}
