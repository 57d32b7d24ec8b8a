using System.Text.RegularExpressions;
using Mta.Core.Config;

namespace Mta.Tools.Import;

/// <summary>
/// Sockets of other programs, such as <c>lmtp:unix:private/dovecot-lmtp</c> or <c>local:opendkim/socket</c>: relative paths are below
/// Postfix's queue directory, and would be below ours from now on. Those of the services of master.cf are meant to.
/// </summary>
internal sealed partial class ForeignSockets(PostfixConfiguration configuration)
{
    private readonly HashSet<string> services =
        configuration.MasterCf.Services.Where(s => s.Type != ServiceType.Inet).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>Postfix's queue directory, as bytes of main.cf.</summary>
    public string Queue { get; } = PostconfFile.AsBytes(configuration.Settings.Text("queue_directory")!);

    /// <summary>Writes relative paths of such sockets out.</summary>
    /// <param name="replaced">Hears of each path.</param>
    public string Replace(string text, Action<string> replaced) => RelativeSocket.Replace(text, m =>
    {
        if (m.Groups["service"] is { Success: true, Value: var name } && services.Contains(name))
        {
            return m.Value;
        }

        replaced(m.Value);
        return $"{Queue}/{m.Value}";
    });

    [GeneratedRegex(@"(?<=\b(?:unix|local):)(?!/)(?:(?:private|public)/(?<service>[^\s,}/]+)|[^\s,}:/]+/[^\s,}]+)")]
    private static partial Regex RelativeSocket { get; }
}
