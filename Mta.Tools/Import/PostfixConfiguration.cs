using System.Text;
using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools.Import;

/// <summary>The configuration of a Postfix, as it is in its directory.</summary>
/// <param name="MainText">main.cf; one character a byte, for what is not understood has to stay as it is.</param>
/// <param name="MasterText">master.cf in the same way; empty when there is none.</param>
internal sealed record PostfixConfiguration(string Directory, string MainText, MainCf MainCf, string MasterText, MasterCf MasterCf, Settings Settings)
{
    /// <summary>Where Postfix keeps these when main.cf does not say; values may refer to them.</summary>
    private static readonly KeyValuePair<string, string>[] Defaults =
    [
        new("queue_directory", "/var/spool/postfix"),
        new("data_directory", "/var/lib/postfix"),
        new("command_directory", "/usr/sbin"),
        new("daemon_directory", "/usr/lib/postfix/sbin"),
    ];

    /// <summary>Null, with the reason said, when main.cf cannot be read.</summary>
    public static PostfixConfiguration? Read(Terminal terminal, string directory)
    {
        var main = Path.Combine(directory, "main.cf");
        if (ReadText(main, out var problem) is not { } mainText)
        {
            terminal.Fatal($"open {main}: {problem}");
            return null;
        }

        var master = Path.Combine(directory, "master.cf");
        var masterText = ReadText(master, out problem) ?? "";
        if (problem is not null)
        {
            terminal.Warning($"open {master}: {problem}");
        }

        var mainCf = MainCf.Parse(main, Decoded(mainText));
        var names = mainCf.Entries.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        var given = Defaults.Where(d => !names.Contains(d.Key)).Append(new("config_directory", directory));
        var settings = SettingsLoader.Unchecked(mainCf, HostInformation.Gather(terminal.Name), given);
        var ports = InetEndpoint.KnownPorts(settings.Expand(settings.Raw("known_tcp_ports") ?? "").Value);
        return new PostfixConfiguration(directory, mainText, mainCf, masterText, MasterCf.Parse(master, Decoded(masterText), ports), settings);
    }

    /// <summary>The text with one character a byte; null when it cannot be read.</summary>
    public static string? ReadText(string path, out string? problem)
    {
        try
        {
            problem = null;
            return File.ReadAllText(path, Encoding.Latin1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = OpenFailure.Reason(path, e);
            return null;
        }
    }

    private static string Decoded(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
}
