using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

/// <summary>
/// PostfixParameters.tsv has the names and defaults that <c>postconf -d</c> of Postfix 3.12 prints. Ours are the same but for what is
/// listed here with its reason.
/// </summary>
public sealed class PostfixParameterTests
{
    /// <summary>Of the host, the process, or other parameters: their defaults are computed.</summary>
    private static readonly HashSet<string> Computed = ["mydomain", "myhostname", "mynetworks", "process_id", "process_name"];

    /// <summary>Both programs may be on one host, so what is on the disk has another name; and the log stays what today's log readers know.</summary>
    private static readonly Dictionary<string, string> Meant = new()
    {
        ["config_directory"] = "/etc/mta",
        ["daemon_directory"] = "/usr/libexec/mta",
        ["data_directory"] = "/var/lib/mta",
        ["lmtp_log_tls_feature_status"] = "no",
        ["mail_owner"] = "mta",
        ["meta_directory"] = "/etc/mta",
        ["queue_directory"] = "/var/spool/mta",
        ["sample_directory"] = "/etc/mta",
        ["setgid_group"] = "mtadrop",
        ["smtp_log_tls_feature_status"] = "no",
    };

    [Fact]
    public void The_table_has_every_parameter_of_Postfix_with_its_default()
    {
        var theirs = Read();
        theirs.Count.ShouldBe(909);
        theirs.Keys.Where(n => !Parameters.ByName.ContainsKey(n)).ShouldBeEmpty("parameters of Postfix that the table lacks");
        var different = theirs
            .Where(t => !Computed.Contains(t.Key) && Parameters.ByName[t.Key].DefaultText != Meant.GetValueOrDefault(t.Key, t.Value))
            .Select(t => $"{t.Key}: {t.Value} there, {Parameters.ByName[t.Key].DefaultText} here");
        different.ShouldBeEmpty("other defaults than Postfix's");
        Meant.Where(m => theirs[m.Key] == m.Value).ShouldBeEmpty("these are no differences any more");
    }

    [Fact]
    public void What_Postfix_does_not_have_is_ours()
    {
        var theirs = Read();
        Parameters.All.Select(p => p.Name).Where(n => !theirs.ContainsKey(n)).Order().ShouldBe(Parameters.Own.Select(p => p.Name).Order());
    }

    private static Dictionary<string, string> Read() =>
        File.ReadLines(Path.Combine(SourceTree.Root, "tests/Mta.Core.Tests/Config/PostfixParameters.tsv"))
            .Where(l => !l.StartsWith('#'))
            .Select(l => l.Split('\t'))
            .ToDictionary(f => f[0], f => f.Length > 1 ? f[1] : "", StringComparer.Ordinal);
}
