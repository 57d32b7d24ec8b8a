using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.EndToEnd.Tests.Harness;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.TrivialRewrite;
using Xunit;

namespace Mta.EndToEnd.Tests.Rewriting;

/// <summary>
/// Addresses of all kinds made complete and resolved as Postfix's trivial-rewrite(8) does it, asked one by one, under the parameters that
/// change how. The addresses are in Addresses.txt, in internal form.
/// </summary>
public sealed class ResolvingAgainstPostfixTests
{
    private const string Base =
        """
        recipient_delimiter = +
        relay_domains = relay.example
        virtual_alias_domains = alias.example

        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("append_dot_mydomain = yes\nmyorigin = origin.test\nremote_header_rewrite_domain = remote.invalid")]
    [InlineData("append_at_myorigin = no\nresolve_null_domain = yes\nresolve_numeric_domain = yes\nempty_address_recipient = nobody")]
    [InlineData("swap_bangpath = no\nallow_min_user = yes")]
    [InlineData("allow_percent_hack = no\nresolve_dequoted_address = no")]
    [InlineData("transport_maps = inline:{ {example.com=one:two}, {.example.com=three:}, {user@far.test=:[hop]:99}, {\"a b\"@far.test=quoted:}, {*=error:no} }")]
    [InlineData("transport_maps = fail:x")]
    public async Task Rewrites_and_resolves_as_Postfix_does(string mainCf)
    {
        await using var judge = await PostfixJudge.StartAsync(Ports.Free(), Base + mainCf, Token);
        var socket = Path.Combine(judge.Spool, "private", "rewrite");
        var lines = await File.ReadAllLinesAsync(Path.Combine(judge.Configuration, "main.cf"), Token);
        var settings = new Settings(lines.Where(l => l.Contains('=', StringComparison.Ordinal)).Select(l => l.Split('=', 2)).Select(p => KeyValuePair.Create(p[0].Trim(), p[1].Trim())));
        var log = new MailLog(new Silence());
        await using var tables = new TableRegistry(log, TimeProvider.System);
        var ours = new AddressResolver(settings, tables, log);
        var differences = new List<string>();
        foreach (var address in await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "Rewriting", "Addresses.txt"), Token))
        {
            foreach (var local in (bool[])[true, false])
            {
                Compare(
                    $"rewrite <{address}>", AddressQuoting.ToExternal(ours.Rewrite(address, local)),
                    await RewriteService.RewriteAsync(socket, local, AddressQuoting.ToExternal(address), Token));
            }

            Compare($"resolve <{address}>", Describe(await ours.ResolveAsync("s@q.test", address, Token)), await RewriteService.ResolveAsync(socket, "s@q.test", address, Token));
        }

        if (differences.Count > 0)
        {
            Assert.Fail(string.Join('\n', differences));
        }

        void Compare(string what, string our, string their)
        {
            if (our != (their == "\"\"" ? "" : their))
            {
                differences.Add($"{what}: ours {our}, theirs {their}");
            }
        }
    }

    private static string Describe(Resolution resolution) =>
        resolution.Outcome == ResolveOutcome.Ok
            ? $"{resolution.Class} {resolution.Transport}:{resolution.Nexthop} {resolution.Recipient}{(resolution.Routed ? " routed" : "")}"
            : resolution.Outcome == ResolveOutcome.Failed ? "failed"
            : "bad address";

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
