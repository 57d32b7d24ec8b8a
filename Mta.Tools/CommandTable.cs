using System.Collections.Frozen;
using Mta.Tools.Postcat;
using Mta.Tools.Postmap;
using Mta.Tools.Postqueue;
using Mta.Tools.Postsuper;
using Mta.Tools.Qshape;
using Mta.Tools.Sendmail;

namespace Mta.Tools;

/// <summary>Runs a command and gives its exit code. The arguments come after the command's name.</summary>
internal delegate Task<int> CommandEntry(Terminal terminal, string[] arguments, CancellationToken cancellationToken);

/// <summary>Every command that the program is, by the name it is called by. Nothing registers itself.</summary>
internal static class CommandTable
{
    private static readonly FrozenDictionary<string, CommandEntry> Entries = new Dictionary<string, CommandEntry>
    {
        ["mailq"] = SendmailCommand.RunAsync,
        ["newaliases"] = SendmailCommand.RunAsync,
        ["postalias"] = MapCommands.PostaliasAsync,
        ["postcat"] = PostcatCommand.RunAsync,
        ["postconf"] = Postconf.RunAsync,
        ["postfix"] = PostfixCommand.RunAsync,
        ["postmap"] = MapCommands.PostmapAsync,
        ["postqueue"] = PostqueueCommand.RunAsync,
        ["postsuper"] = PostsuperCommand.RunAsync,
        ["qshape"] = QshapeCommand.RunAsync,
        ["sendmail"] = SendmailCommand.RunAsync,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<string> Names => Entries.Keys.Order(StringComparer.Ordinal);

    public static CommandEntry? Find(string name) => Entries.GetValueOrDefault(name);
}
