using Mta.Core.Config;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Services.Tests.Mailbox;
using Mta.Services.Virtual;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Virtual;

public sealed class VirtualDeliveryTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly TestProcesses processes = TestProcesses.AnyUser;
    private readonly TestDelivery delivery = new() { Transport = "virtual" };
    private VirtualDeliveryAgent agent = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        agent = Agent(processes);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await processes.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task Maildir_and_mailbox_are_delivered_to()
    {
        (await RunAsync(Settings(), "dir@v.test", "Box@V.test")).ShouldBe(
        [
            "dir@v.test: 2.0.0 Sent (delivered to maildir) relay=virtual",
            "Box@V.test: 2.0.0 Sent (delivered to mailbox) relay=virtual",
        ]);

        (await File.ReadAllTextAsync(Directory.GetFiles(directory["dir/new"])[0], Token)).ShouldBe(
            "Return-Path: <s@example.org>\nX-Original-To: dir@v.test\nDelivered-To: dir@v.test\nSubject: x\n\nhello\n");
        (await File.ReadAllLinesAsync(directory["box"], Token))[1..].ShouldBe(
            ["Return-Path: <s@example.org>", "X-Original-To: Box@V.test", "Delivered-To: Box@V.test", "Subject: x", "", "hello", ""]);
    }

    [Theory]
    [InlineData("dir+ext@v.test", "own/")]
    [InlineData("dir+other@v.test", "dir/")]
    [InlineData("someone@all.test", "all/")]
    public async Task Extension_and_domain_are_looked_up_in_turn(string address, string maildir)
    {
        await RunAsync(Settings(), address);

        Directory.GetFiles(directory[maildir + "new"]).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Unknown_recipient_bounces()
    {
        (await RunAsync(Settings(), "Nobody@v.test")).ShouldBe(["Nobody@v.test: 5.1.1 Bounced (unknown user: \"nobody@v.test\") relay=virtual"]);
    }

    [Fact]
    public async Task Table_that_cannot_answer_defers()
    {
        (await RunAsync(Settings(("virtual_mailbox_maps", "fail:maps")), "dir@v.test"))
            .ShouldBe(["dir@v.test: 4.3.5 Deferred (mail system configuration error) relay=virtual"]);
        (await RunAsync(Settings(("virtual_uid_maps", "fail:uids")), "dir@v.test"))
            .ShouldBe(["dir@v.test: 4.3.5 Deferred (mail system configuration error) relay=virtual"]);
        Directory.Exists(directory["dir"]).ShouldBeFalse();
    }

    [Theory]
    [InlineData("virtual_uid_maps", "inline:{x=5000}", "recipient dir@v.test: not found in virtual_uid_maps")]
    [InlineData("virtual_uid_maps", "static:abc", "recipient dir@v.test: bad uid abc in virtual_uid_maps")]
    [InlineData("virtual_uid_maps", "static:99", "recipient dir@v.test: bad uid 99 in virtual_uid_maps")]
    [InlineData("virtual_uid_maps", "static:-1", "recipient dir@v.test: bad uid -1 in virtual_uid_maps")]
    [InlineData("virtual_gid_maps", "static:0", "recipient dir@v.test: bad gid 0 in virtual_gid_maps")]
    [InlineData("virtual_mailbox_base", "relative", "do not specify relative pathname: virtual_mailbox_base = relative")]
    public async Task Bad_configuration_defers_with_a_warning(string parameter, string value, string warning)
    {
        var settings = Settings((parameter, value));

        (await RunAsync(settings, "dir@v.test")).ShouldBe(["dir@v.test: 4.3.5 Deferred (mail system configuration error) relay=virtual"]);

        delivery.Warnings.ShouldContain("virtual: warning: " + warning);
    }

    [Fact]
    public async Task Root_is_never_delivered_as()
    {
        (await RunAsync(Settings(("virtual_minimum_uid", "0"), ("virtual_uid_maps", "static:0")), "dir@v.test"))[0].ShouldContain("4.3.5 Deferred");
        delivery.Warnings.ShouldContain("virtual: warning: recipient dir@v.test: bad uid 0 in virtual_uid_maps");
    }

    [Fact]
    public async Task Another_user_without_privileges_defers_with_the_reason()
    {
        var other = Libc.EffectiveUid + 5000;
        await using var unprivileged = new TestProcesses((_, _) => Task.CompletedTask) { ArePrivileged = false };
        agent = Agent(unprivileged);

        (await RunAsync(Settings(("virtual_uid_maps", $"static:{other}")), "dir@v.test")).ShouldBe(
        [
            $"dir@v.test: 4.3.0 Deferred (maildir delivery failed: cannot deliver as user id {other}: "
            + $"the mail system runs as user id {Libc.EffectiveUid}, not as root) relay=virtual",
        ]);
    }

    [Fact]
    public async Task Mailbox_over_its_limit_bounces()
    {
        (await RunAsync(Settings(("virtual_mailbox_limit", "50")), "dir@v.test", "box@v.test")).ShouldBe(
        [
            "dir@v.test: 5.2.2 Bounced (maildir delivery failed: error writing message: File too large) relay=virtual",
            $"box@v.test: 5.2.2 Bounced (delivery failed to mailbox {directory["box"]}: error writing message: File too large) relay=virtual",
        ]);
    }

    [Fact]
    public async Task Many_recipients_of_one_message_are_reported_in_order()
    {
        var recipients = Enumerable.Range(0, 100).Select(i => $"r{i}@all.test").ToArray();

        (await RunAsync(Settings(), recipients)).ShouldBe(recipients.Select(r => $"{r}: 2.0.0 Sent (delivered to maildir) relay=virtual"));

        Directory.GetFiles(directory["all/new"]).Length.ShouldBe(100);
    }

    private Task<string[]> RunAsync(Settings settings, params string[] recipients) => delivery.RunAsync(agent, settings, Token, recipients);

    private VirtualDeliveryAgent Agent(TestProcesses children) => new(
        new TableRegistry(delivery.Log, TimeProvider.System),
        new UserDelivery(new MailboxWriter(TimeProvider.System), children, TimeProvider.System),
        delivery.Log,
        TimeProvider.System);

    private Settings Settings(params (string Name, string Value)[] more) => TestDelivery.Settings(
        [
            ("virtual_mailbox_base", directory.Path),
            ("virtual_mailbox_maps", "inline:{ dir@v.test=dir/, dir+ext@v.test=own/, box@v.test=box, @all.test=all/ }"),
            ("virtual_uid_maps", "static:5000"),
            ("virtual_gid_maps", "static:5000"),
            ("recipient_delimiter", "+"),
            .. more,
        ]);
}
