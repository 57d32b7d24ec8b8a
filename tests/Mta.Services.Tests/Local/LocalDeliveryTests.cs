using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Local;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Local;

public sealed class LocalDeliveryTests : IAsyncLifetime
{
    // Users that every system has; children of the tests write as the user of the tests.
    private const string User = "daemon";
    private const string Other = "bin";

    private readonly TemporaryDirectory directory = new();
    private readonly TestProcesses processes = TestProcesses.AnyUser;
    private readonly TestCleanup cleanup = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        await processes.DisposeAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData(User)]
    [InlineData("Daemon")]
    [InlineData("DAEMON+Ext")]
    [InlineData("\\daemon")]
    public async Task User_gets_the_mail_in_the_spool_directory(string name)
    {
        (await RunAsync(name + "@local.test")).ShouldBe([$"{name}@local.test: 2.0.0 Sent (delivered to mailbox) relay=local"]);

        (await File.ReadAllLinesAsync(directory[User], Token))[1..5].ShouldBe(
            [
                "Return-Path: <s@example.org>",
                $"X-Original-To: {External(name)}@local.test",
                $"Delivered-To: {External(name)}@local.test",
                "Subject: x",
            ]);

        static string External(string name) => name[0] == '\\' ? "\"\\" + name + "\"" : name;
    }

    [Fact]
    public async Task Spool_directory_with_a_slash_holds_maildirs()
    {
        (await RunAsync([("mail_spool_directory", directory["maildirs/"])], $"{User}@local.test"))[0].ShouldContain("2.0.0 Sent (delivered to maildir)");

        Directory.GetFiles(directory[$"maildirs/{User}/new"]).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Home_mailbox_lies_below_the_home_directory()
    {
        var inDirectory = Path.GetRelativePath("/usr/sbin", directory["home/"]) + "/";

        (await RunAsync([("home_mailbox", inDirectory)], $"{User}@local.test"))[0].ShouldContain("2.0.0 Sent (delivered to maildir)");

        Directory.GetFiles(directory["home/new"]).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Unknown_user_bounces()
    {
        (await RunAsync("NoSuch+x@local.test")).ShouldBe(["NoSuch+x@local.test: 5.1.1 Bounced (unknown user: \"nosuch\") relay=local"]);
    }

    [Theory]
    [InlineData("postmaster")]
    [InlineData("MAILER-DAEMON")]
    public async Task Required_alias_that_is_missing_discards_with_a_warning(string name)
    {
        var delivery = new TestDelivery();

        (await RunAsync(delivery, [], name + "@local.test")).ShouldBe([$"{name}@local.test: 2.0.0 Sent (discarded) relay=local"]);

        delivery.Warnings.ShouldBe([$"local: warning: required alias not found: {name.ToLowerInvariant()}"]);
    }

    [Fact]
    public async Task Mail_that_was_here_before_bounces_as_a_loop()
    {
        var delivery = new TestDelivery { Content = new TestContent("X: y\nDelivered-To:  Daemon@LOCAL.test\n\nbody\n", cut: 7) };

        (await RunAsync(delivery, [], "daemon@local.test", "bin@local.test")).ShouldBe(
        [
            "daemon@local.test: 5.4.6 Bounced (mail forwarding loop for daemon@local.test) relay=local",
            "bin@local.test: 2.0.0 Sent (delivered to mailbox) relay=local",
        ]);
    }

    [Fact]
    public async Task Alias_forwards_all_addresses_in_one_new_message()
    {
        (await RunAsync(Aliases("list=\"a b\"@x.test\\, Foo <c@y.test>\\, c@y.test"), "List@local.test"))
            .ShouldBe(["List@local.test: 2.0.0 Expanded (forwarded as 4abcNEW) relay=local"]);

        var (sender, recipients, message) = cleanup.Messages.ShouldHaveSingleItem();
        sender.ShouldBe("s@example.org");
        recipients.ShouldBe("a b@x.test c@y.test");
        message.ShouldMatch("^Received: by mail.test \\(Postfix\\)\n\tid 4abcNEW; [A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}\n");
        message.ShouldEndWith("\nDelivered-To: List@local.test\nSubject: x\n\nhello\n");
    }

    [Fact]
    public async Task Alias_with_users_and_addresses_serves_both()
    {
        (await RunAsync(Aliases($"list={User}\\, {Other}\\, x@y.test\\, nosuch"), "list@local.test"))
            .ShouldBe(["list@local.test: 5.1.1 Bounced (unknown user: \"nosuch\") relay=local"]);

        cleanup.Messages.Count.ShouldBe(1);
        File.Exists(directory[User]).ShouldBeTrue();
        (await File.ReadAllTextAsync(directory[Other], Token)).ShouldContain("Delivered-To: list@local.test\n");
    }

    [Fact]
    public async Task Alias_that_names_itself_means_the_mailbox()
    {
        (await RunAsync(Aliases($"{User}={User}\\, x@y.test"), $"{User}@local.test"))[0].ShouldContain("Expanded (forwarded as 4abcNEW)");

        File.Exists(directory[User]).ShouldBeTrue();
    }

    [Fact]
    public async Task Alias_with_the_extension_comes_first()
    {
        var aliases = Aliases("list+x=one@y.test", "list=two@y.test");
        await RunAsync(aliases, "list+x@local.test");
        await RunAsync(aliases, "list+y@local.test");

        cleanup.Messages.Select(m => m.Recipients).ShouldBe(["one@y.test", "two@y.test"]);
    }

    [Fact]
    public async Task Owner_of_an_alias_is_the_sender_of_what_it_forwards()
    {
        await RunAsync(Aliases("list=x@y.test", "owner-list=boss@y.test"), "list@local.test");

        cleanup.Messages[0].Sender.ShouldBe("owner-list@local.test");
    }

    [Fact]
    public async Task Aliases_in_a_circle_bounce()
    {
        var delivery = new TestDelivery();

        (await RunAsync(delivery, Aliases("one=two", "two=one"), "one@local.test"))[0]
            .ShouldBe("one@local.test: 5.4.6 Bounced (alias database loop for two) relay=local");
        delivery.Warnings.ShouldBe(["local: warning: alias database loop for two"]);
    }

    [Theory]
    [InlineData("\"|cat, more\"", "alias list: delivery to commands is not available in this version")]
    [InlineData("/tmp/file", "alias list: delivery to files is not available in this version")]
    [InlineData(":include:/tmp/file", "alias list: delivery to :include: files is not available in this version")]
    [InlineData("x@fail.test", "address resolver failure")]
    public async Task Part_that_has_to_wait_holds_back_the_whole(string target, string reason)
    {
        var value = $"list={User}\\, x@y.test\\, {target.Replace(",", "\\,", StringComparison.Ordinal)}";

        (await RunAsync(Aliases(value), "list@local.test")).ShouldBe([$"list@local.test: 4.3.0 Deferred ({reason}) relay=local"]);

        cleanup.Messages.ShouldBeEmpty();
        File.Exists(directory[User]).ShouldBeFalse();
    }

    [Fact]
    public async Task Tables_that_cannot_answer_defer()
    {
        (await RunAsync([("alias_maps", "fail:aliases")], $"{User}@local.test"))
            .ShouldBe([$"{User}@local.test: 4.3.0 Deferred (alias database unavailable) relay=local"]);
    }

    [Fact]
    public async Task Queue_that_cannot_take_the_forwarded_message_defers()
    {
        cleanup.Outcome = CleanupOutcome.WriteError;

        (await RunAsync(Aliases("list=x@y.test"), "list@local.test"))
            .ShouldBe(["list@local.test: 4.3.0 Deferred (unable to forward message) relay=local"]);
    }

    [Fact]
    public async Task Mailbox_over_its_limit_bounces()
    {
        (await RunAsync([("mailbox_size_limit", "100")], $"{User}@local.test")).ShouldBe(
        [
            $"{User}@local.test: 5.2.2 Bounced (cannot update mailbox {directory[User]} for user {User}. error writing message: File too large) relay=local",
        ]);
    }

    // inline: takes its value apart at commas, so it cannot hold these; a texthash file can.
    private (string, string)[] Aliases(params string[] entries)
    {
        var path = directory["aliases"];
        File.WriteAllLines(path, entries.Select(e => e.Replace("\\,", ",", StringComparison.Ordinal)).Select(e => string.Join(' ', e.Split('=', 2))));
        return [("alias_maps", "texthash:" + path)];
    }

    private Task<string[]> RunAsync(params string[] recipients) => RunAsync([], recipients);

    private Task<string[]> RunAsync((string, string)[] more, params string[] recipients) => RunAsync(new TestDelivery(), more, recipients);

    private async Task<string[]> RunAsync(TestDelivery delivery, (string, string)[] more, params string[] recipients)
    {
        Settings settings = TestDelivery.Settings(
        [
            ("myhostname", "mail.test"),
            ("alias_maps", ""),
            ("mail_spool_directory", directory.Path),
            ("recipient_delimiter", "+"),
            .. more,
        ]);
        await using var mailboxes = new UserDelivery(new MailboxWriter(TimeProvider.System), processes, TimeProvider.System);
        var registry = new TableRegistry(delivery.Log, TimeProvider.System);
        var agent = new LocalDeliveryAgent(registry, mailboxes, new TestResolver(), cleanup, delivery.Log, TimeProvider.System);
        return await delivery.RunAsync(agent, settings, Token, recipients);
    }
}
