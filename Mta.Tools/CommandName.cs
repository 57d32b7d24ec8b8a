using System.Text;

namespace Mta.Tools;

/// <summary>Finds which command is meant: the name the program was called by, else its first argument.</summary>
internal static class CommandName
{
    /// <summary>Takes the name off <paramref name="arguments"/> when it stands there; null when neither place names a command.</summary>
    public static string? Take(string? calledAs, ref string[] arguments)
    {
        if (calledAs is not null && CommandTable.Find(calledAs) is not null)
        {
            return calledAs;
        }

        if (arguments.Length == 0 || CommandTable.Find(arguments[0]) is null)
        {
            return null;
        }

        var name = arguments[0];
        arguments = arguments[1..];
        return name;
    }

    /// <summary>
    /// The last part of argv[0]. Environment has only the library's path, and ProcessPath the target of a link; the kernel knows the link's name.
    /// </summary>
    public static string? CalledAs()
    {
        try
        {
            var commandLine = File.ReadAllBytes("/proc/self/cmdline");
            var end = Array.IndexOf(commandLine, (byte)0);
            return Path.GetFileName(Encoding.UTF8.GetString(commandLine, 0, end < 0 ? commandLine.Length : end));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
