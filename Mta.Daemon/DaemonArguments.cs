using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Mta.Daemon;

/// <summary>The arguments of this program: <c>master|services|deliver-child [-c DIR] [--foreground] [--control FD] ...</c>. Nobody types them but ourselves and service managers.</summary>
internal sealed class DaemonArguments
{
    private DaemonArguments(string part) => Part = part;

    /// <summary>Which part of the program this process is.</summary>
    public string Part { get; }

    public string ConfigurationDirectory { get; private set; } = "";

    /// <summary>The log goes to standard output unless maillog_file says otherwise.</summary>
    public bool Foreground { get; private set; }

    /// <summary>Where master tells whoever started it how the start went.</summary>
    public SafeFileHandle? Ready { get; private set; }

    public SafeFileHandle? Control { get; private set; }

    public SafeFileHandle? Lock { get; private set; }

    public SafeFileHandle? Socket { get; private set; }

    /// <summary>Null when they make no sense.</summary>
    public static DaemonArguments? Parse(string[] arguments)
    {
        if (arguments.Length == 0 || arguments[0] is not ("master" or "services" or "deliver-child"))
        {
            return null;
        }

        var parsed = new DaemonArguments(arguments[0]);
        string? directory = null;
        for (var i = 1; i < arguments.Length; i++)
        {
            if (arguments[i] == "--foreground")
            {
                parsed.Foreground = true;
                continue;
            }

            if (++i == arguments.Length)
            {
                return null;
            }

            switch (arguments[i - 1])
            {
                case "-c":
                    directory = arguments[i];
                    break;
                case "--ready":
                    parsed.Ready = Descriptor(arguments[i]);
                    break;
                case "--control":
                    parsed.Control = Descriptor(arguments[i]);
                    break;
                case "--lock":
                    parsed.Lock = Descriptor(arguments[i]);
                    break;
                case "--socket":
                    parsed.Socket = Descriptor(arguments[i]);
                    break;
                default:
                    return null;
            }
        }

        parsed.ConfigurationDirectory = Path.GetFullPath(ConfigurationDirectoryPath(directory));
        return parsed;
    }

    private static string ConfigurationDirectoryPath(string? option) => Mta.Services.Configuration.ConfigurationDirectory.Find(option);

    private static SafeFileHandle? Descriptor(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor) ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
}
