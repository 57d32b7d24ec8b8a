using System.Diagnostics;
using System.Text;

namespace Mta.EndToEnd.Tests.Postmap;

/// <summary>Runs a command of Debian's Postfix, the judge of what ours prints.</summary>
internal static class PostfixCommand
{
    public static Task<(int Exit, string Output, string Error)> RunAsync(string name, params string[] arguments) =>
        RunWithInputAsync(name, "", arguments);

    public static Task<(int Exit, string Output, string Error)> RunWithInputAsync(string name, string input, params string[] arguments) =>
        RunAsync(name, input, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), arguments);

    /// <param name="encoding">Of input and output; Latin-1 for bytes.</param>
    public static async Task<(int Exit, string Output, string Error)> RunAsync(string name, string input, Encoding encoding, string[] arguments)
    {
        var start = new ProcessStartInfo((name is "newaliases" or "mailq" ? "/usr/bin/" : "/usr/sbin/") + name, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = encoding,
            StandardOutputEncoding = encoding,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has read what it needs.
        }

        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
