using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Xunit;

namespace Mta.EndToEnd.Tests.Restrictions;

/// <summary>
/// Restrictions that ask the DNS or tables of their own: each case of Cases has an SMTP server of its own, in ours and in Debian's Postfix,
/// and both ask one DNS server. Replies and log lines are the same.
/// </summary>
public sealed partial class DnsRestrictionsAgainstPostfixTests
{
    private const string MainCf =
        """
        mynetworks = 127.0.0.1
        local_recipient_maps =
        relay_domains = relay.test
        smtpd_relay_restrictions =
        smtpd_recipient_restrictions = reject_unauth_destination
        smtpd_client_connection_count_limit = 0
        unknown_address_reject_code = 550
        unknown_hostname_reject_code = 550
        unknown_client_reject_code = 550
        bad_hosts = inline:{ {192.0.2.1=REJECT bad-ip}, {192.0.2.53=REJECT bad-ns}, {mx2.mx.test=REJECT bad-mx}, {192.0.2.7=REJECT bad-a},
          {2001:db8::1=REJECT bad-v6}, {127.0.0.2=REJECT bad-own}, {192.0.2.9=OK}, {1.2.3.4=REJECT lit}, {192.0.2.8=DEFER_IF_PERMIT dip},
          {unknown=REJECT unknown-name} }
        exempt_hosts = inline:{ {ns1.dns.test=DUNNO}, {192.0.2.53=REJECT bad-ns}, {mx1.mx.test=DUNNO}, {192.0.2.1=REJECT bad-ip}, {mx.test=REJECT parent} }
        logins = inline:{ {joe@mta.test = joe, jane}, {@a.test = owner}, {local = me}, {u+x@b.test = p}, {v@b.test = q} }

        """;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Restrictions", "Cases");

    public static TheoryData<string> Themes() =>
        [.. Directory.GetFiles(Folder, "*.txt").Select(f => Path.GetFileNameWithoutExtension(f)).Where(n => n != "names").Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Themes))]
    public async Task Every_case_is_answered_as_by_postfix(string theme)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Postfix, the judge of this test, starts for root only");
        var token = TestContext.Current.CancellationToken;
        var (cases, records) = RestrictionCase.ReadAll([Path.Combine(Folder, "names.txt"), Path.Combine(Folder, theme + ".txt")]);
        if (Environment.GetEnvironmentVariable("MTA_CASE") is { Length: > 0 } wanted)
        {
            cases.RemoveAll(c => !c.Name.Contains(wanted, StringComparison.Ordinal));
        }

        // The port of the DNS at an address that is no one's: two runs at a time must not meet.
        var server = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.53.{Environment.ProcessId >> 8 & 255}.{Environment.ProcessId & 255}"));
        await using var dns = await DnsServer.StartForSystemAsync(server, [.. records]);
        var port = Ports.Free();
        await using var postfix = await PostfixJudge.StartAsync(
            Ports.Free(), MainCf, token, string.Concat(cases.Select((c, i) => c.MasterCf(Address(3, i), port))), server.ToString());
        await using var mta = await MtaInstance.StartAsync(token, MainCf + dns.MainCf, string.Concat(cases.Select((c, i) => c.MasterCf(Address(4, i), port))));
        var different = new List<string>();
        for (var i = 0; i < cases.Count; i++)
        {
            var theirs = await PlayAsync(cases[i], Address(3, i), port, postfix.Log, token);
            var ours = await PlayAsync(cases[i], Address(4, i), port, mta.Log, token);
            if (ours != theirs)
            {
                different.Add($"== {string.Join("; ", cases[i].Settings)}\n-- ours\n{ours}-- theirs\n{theirs}");
            }
        }

        Assert.True(different.Count == 0, string.Join("\n", different));
    }

    private static string Address(int system, int number) => string.Create(CultureInfo.InvariantCulture, $"127.{system}.{number / 200}.{(number % 200) + 1}");

    /// <summary>The dialogue, and what the session logged.</summary>
    private static async Task<string> PlayAsync(RestrictionCase played, string address, int port, Func<string> log, CancellationToken cancellationToken)
    {
        var before = Sessions(log()).Count;
        var dialogue = await played.PlayAsync(address, port, cancellationToken);
        await Until.TrueAsync(() => Sessions(log()).Count > before, "the session's end is in the log", cancellationToken);
        return dialogue + Sessions(log())[before];
    }

    /// <summary>The lines of each session of smtpd up to its end. Warnings about a client's name come before it begins.</summary>
    private static List<string> Sessions(string log)
    {
        var sessions = new List<string>();
        var current = "";
        foreach (var line in log.Split('\n').Select(l => Lines().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value))
        {
            if (line.StartsWith("disconnect from ", StringComparison.Ordinal) && !Beside().IsMatch(line))
            {
                sessions.Add(current);
                current = "";
            }
            else if (!Beside().IsMatch(line))
            {
                current += QueueIds().Replace(line, "QID:") + "\n";
            }
        }

        return sessions;
    }

    /// <summary>What Postfix says of its main.cf, and what only later versions say.</summary>
    [GeneratedRegex("overriding earlier entry|valid_hostname: |localhost\\[127|is unavailable|lookup error for \"|table lookup problem|support for restriction \"permit_mx_backup\"")]
    private static partial Regex Beside();

    [GeneratedRegex(@"postfix/(?:[^/ ]*/)?smtpd\[\d+\]: (.*)$")]
    private static partial Regex Lines();

    [GeneratedRegex("^[0-9A-Za-z]{8,}:")]
    private static partial Regex QueueIds();
}
