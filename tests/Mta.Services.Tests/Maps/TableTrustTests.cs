using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

/// <summary>What names files, commands, users and transports is not made of what a sender wrote.</summary>
public sealed class TableTrustTests : IAsyncDisposable
{
    private readonly WarningLog log = new();
    private readonly TableRegistry registry;

    public TableTrustTests() => registry = new TableRegistry(log.Log, TimeProvider.System);

    [Theory]
    [InlineData("regexp", TableTrust.Secure)]
    [InlineData("pcre", TableTrust.Secure)]
    [InlineData("pcre", TableTrust.NoSubstitution)]
    public async Task A_rule_with_a_group_in_its_result_is_left_out(string type, TableTrust trust)
    {
        var rules = $"{type}:{{{{/^(.*)@a$/ /mail/$1}}, {{/@a$/ whole}}}}";
        (await FindAsync(rules, trust)).Value.ShouldBe("whole");
        log.Lines.ShouldBe([$"warning: {type} map {rules[(type.Length + 1)..]}, line 1: regular expression substitution is not allowed: skipping this rule"]);
        (await FindAsync(rules, TableTrust.Any)).Value.ShouldBe("/mail/user");
    }

    [Fact]
    public async Task So_it_is_within_other_tables()
    {
        (await FindAsync("unionmap:{pcre:{{/^(.*)@a$/ $1}},static:other}", TableTrust.Secure)).Value.ShouldBe("other");
        (await FindAsync("pipemap:{static:x,pcre:{{/^(x)$/ $1}}}", TableTrust.Secure)).IsFound.ShouldBeFalse();
        (await FindAsync("debug:pcre:{{/^(.*)@a$/ $1}}", TableTrust.Secure)).IsFound.ShouldBeFalse();
    }

    [Theory]
    [InlineData("tcp:127.0.0.1:1", "security sensitive data")]
    [InlineData("socketmap:inet:127.0.0.1:1:map", "security-sensitive data")]
    [InlineData("memcache:/etc/mta-test/none", "security-sensitive data")]
    public async Task A_server_that_proves_nothing_is_not_asked(string reference, string data)
    {
        (await FindAsync(reference, TableTrust.Secure)).IsFailed.ShouldBeTrue();
        log.Lines.ShouldBe([$"warning: {reference} is unavailable. {reference} map is not allowed for {data}"]);
    }

    public ValueTask DisposeAsync() => registry.DisposeAsync();

    private async Task<LookupResult> FindAsync(string reference, TableTrust trust)
    {
        var settings = new Settings([new("virtual_mailbox_maps", reference.Replace("$", "$$", StringComparison.Ordinal))]);
        return await registry.Open(settings, Parameters.VirtualMailboxMaps, trust).FindAsync("user@a", TestContext.Current.CancellationToken);
    }
}
