using System.Text;
using System.Text.RegularExpressions;
using Mta.Core.Config;

namespace Mta.Tools.Import;

/// <summary>
/// Makes our main.cf of Postfix's: comments, order and values stay; what describes Postfix's own installation goes, and so does what is not
/// honoured here, unless another value refers to it.
/// </summary>
internal sealed partial class MainCfImport(PostfixConfiguration configuration, ForeignSockets sockets, ImportReport report)
{
    /// <summary>Where Postfix's programs and files are, and whose they are: ours are elsewhere, and two systems must not share a queue.</summary>
    private static readonly string[] Installation =
    [
        "command_directory", "config_directory", "daemon_directory", "data_directory", "debugger_command", "html_directory", "mail_owner",
        "mailq_path", "manpage_directory", "meta_directory", "newaliases_path", "process_id_directory", "queue_directory", "readme_directory",
        "sample_directory", "sendmail_path", "setgid_group", "shlib_directory",
    ];

    /// <summary>Taken from the main.cf that is replaced: parameters that Postfix does not have, and those of the installation.</summary>
    private static readonly HashSet<string> Kept = [.. Parameters.Own.Select(p => p.Name), .. Installation];

    /// <param name="replaced">The main.cf that is there now; null when there is none, or it is the source itself.</param>
    public string Make(MainCf? replaced, IReadOnlyDictionary<string, string> overrides)
    {
        var isInPlace = replaced is null && overrides.Count == 0;
        var gone = Gone();
        var text = MainCfEditor.Apply(configuration.MainText, MainCfEdit.CommentOut, gone.Select(n => KeyValuePair.Create(n, ""))).Text;
        text = ReplaceDirectories(text);
        var added = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in replaced?.Entries ?? [])
        {
            if (Kept.Contains(entry.Name))
            {
                added[entry.Name] = entry.Value;
            }
        }

        foreach (var (name, value) in overrides)
        {
            added[name] = value;
        }

        foreach (var (name, value) in added)
        {
            report.Configuration($"{name} = {value}: {(overrides.ContainsKey(name) ? "as given" : "kept from the main.cf that was there")}");
        }

        return isInPlace ? text : MainCfEditor.Apply(text, MainCfEdit.Set, added.Select(a => KeyValuePair.Create(a.Key, PostconfFile.AsBytes(a.Value)))).Text;
    }

    [GeneratedRegex(@"(?<![\w$])smtpd?_sasl_path[ \t]*=[ \t]*(?![/ \t])(?=[^\s:]*/)")]
    private static partial Regex RelativeSaslPath { get; }

    [GeneratedRegex(@"\$(?:\{(?<n>config|queue|data|daemon|command)_directory\}|\((?<n>config|queue|data|daemon|command)_directory\)|(?<n>config|queue|data|daemon|command)_directory\b)")]
    private static partial Regex DirectoryReference { get; }

    private HashSet<string> Gone()
    {
        var names = configuration.MainCf.Entries.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in Installation.Where(names.Contains))
        {
            gone.Add(name);
            report.Configuration($"{name}: not taken over, for it is about Postfix's own installation");
        }

        var referred = configuration.MainCf.Entries.SelectMany(e => UnusedParameters.References(e.Value))
            .Concat(configuration.MasterCf.Services.SelectMany(s => s.Overrides).SelectMany(o => UnusedParameters.References(o.Value)))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var problem in NotHonoured.Find(configuration.MainCf, configuration.MasterCf))
        {
            var name = names.FirstOrDefault(n => problem.Text.StartsWith($"parameter {n} ", StringComparison.Ordinal));
            var stays = problem.File != configuration.MainCf.File || name is null || referred.Contains(name);
            report.Differs($"{problem}{(stays ? "" : " (now a comment)")}");
            if (!stays)
            {
                gone.Add(name!);
            }
        }

        foreach (var problem in UnusedParameters.Find(configuration.MainCf, configuration.MasterCf))
        {
            report.Differs(problem.ToString());
        }

        foreach (var (_, error) in configuration.Settings.Validate())
        {
            report.Problem($"{configuration.MainCf.File}: {error}");
        }

        return gone;
    }

    /// <summary>References to Postfix's directories would mean ours from now on.</summary>
    private string ReplaceDirectories(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var line in text.Split('\n'))
        {
            var replaced = line.TrimStart() is ['#', ..] ? line : Replace(line);
            result.Append(replaced).Append('\n');
        }

        result.Length--;
        return result.ToString();
    }

    public string Replace(string line)
    {
        line = DirectoryReference.Replace(line, m =>
        {
            var name = m.Groups["n"].Value + "_directory";
            var value = PostconfFile.AsBytes(configuration.Settings.Text(name)!);
            report.Configuration($"${name} is written out, as {value}, in: {line.Trim()}");
            return value;
        });
        line = RelativeSaslPath.Replace(line, m =>
        {
            report.Configuration($"a relative smtpd_sasl_path is below {sockets.Queue}, and written out so");
            return $"{m.Value}{sockets.Queue}/";
        });
        return sockets.Replace(line, path => report.Configuration($"{path} is another program's socket; written as {sockets.Queue}/{path}"));
    }
}
