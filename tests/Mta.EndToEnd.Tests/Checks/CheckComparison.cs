using System.Globalization;
using Mta.EndToEnd.Tests.Harness;

namespace Mta.EndToEnd.Tests.Checks;

/// <summary>
/// Runs cases with our mail system and with Debian's Postfix, each with a cleanup service and an SMTP server of its own. MTA_CASE in the
/// environment chooses those whose names contain it.
/// </summary>
internal static class CheckComparison
{
    /// <summary>What is different, as text; empty when nothing is.</summary>
    public static async Task<string> DifferencesAsync(List<CheckCase> cases, string mainCf, CancellationToken token)
    {
        if (Environment.GetEnvironmentVariable("MTA_CASE") is { Length: > 0 } wanted)
        {
            cases.RemoveAll(c => !c.Name.Contains(wanted, StringComparison.Ordinal));
        }

        // One port, and an address of the loopback network for each case: a range of ports is never free for long.
        var port = Ports.Free();
        var mailboxes = cases.SelectMany(c => new[] { c.Mailbox, c.Mailbox + "-b", c.Mailbox + "-r" }).Select(m => $"{{ {m}@{MtaInstance.VirtualDomain} = {m}/ }}");
        mainCf = $"{mainCf}\nvirtual_mailbox_maps = inline:{{ {string.Join(", ", mailboxes)} }}";
        await using var postfix = await PostfixJudge.StartAsync(Ports.Free(), mainCf, token, string.Concat(cases.Select((c, i) => c.MasterCf(Address(1, i), port))));
        await using var mta = await MtaInstance.StartAsync(token, mainCf, string.Concat(cases.Select((c, i) => c.MasterCf(Address(2, i), port))));
        var (theirReplies, ourReplies) = (new List<string>(), new List<string>());
        for (var i = 0; i < cases.Count; i++)
        {
            theirReplies.Add(await CheckOutcome.SendAsync(cases[i], Address(1, i), port, token));
            ourReplies.Add(await CheckOutcome.SendAsync(cases[i], Address(2, i), port, token));
        }

        await Until.TrueAsync(() => CheckOutcome.IsSettled(postfix.Log(), theirReplies), "Postfix has delivered all", token);
        await Until.TrueAsync(() => CheckOutcome.IsSettled(mta.Log(), ourReplies), "all is delivered", token);
        var (theirLog, ourLog) = (postfix.Log(), mta.Log());
        var theirSessions = CheckOutcome.Sessions(theirLog)[^cases.Count..];
        var ourSessions = CheckOutcome.Sessions(ourLog)[^cases.Count..];
        var different = new List<string>();
        for (var i = 0; i < cases.Count; i++)
        {
            var theirs = CheckOutcome.Describe(cases[i], theirReplies[i], theirSessions[i], theirLog, postfix.MailDirectory);
            var ours = CheckOutcome.Describe(cases[i], ourReplies[i], ourSessions[i], ourLog, mta.MailDirectory);
            if (ours != theirs)
            {
                different.Add($"== {cases[i].Name}\n-- ours\n{ours}-- theirs\n{theirs}");
            }
        }

        return string.Join("\n", different);
    }

    private static string Address(int system, int number) => string.Create(CultureInfo.InvariantCulture, $"127.{system}.{number / 200}.{(number % 200) + 1}");
}
