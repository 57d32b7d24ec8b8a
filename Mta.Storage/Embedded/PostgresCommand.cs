using System.Diagnostics;

namespace Mta.Storage.Embedded;

/// <summary>What a program of PostgreSQL's said; output and error output together.</summary>
internal readonly record struct PostgresCommandResult(int ExitCode, string Output);

/// <summary>Runs a program of PostgreSQL's, as another user where root must not.</summary>
internal static class PostgresCommand
{
    public static PostgresCommandResult Run(string program, IEnumerable<string> arguments, string? user, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // The caller's directory may be closed to the other user, and a server must not keep it busy.
            WorkingDirectory = "/",
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment.Remove("PGOPTIONS");
        start.Environment.Remove("PGDATA");
        if (user is not null)
        {
            start.UserName = user;
            start.Environment.Remove("HOME");
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new PostgresCommandResult(process.ExitCode, (output + errors.GetAwaiter().GetResult()).Trim());
    }
}
