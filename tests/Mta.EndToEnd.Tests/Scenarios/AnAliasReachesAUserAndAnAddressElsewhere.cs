using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AnAliasReachesAUserAndAnAddressElsewhere
{
    [Fact]
    public async Task An_alias_reaches_a_user_and_an_address_elsewhere()
    {
        var token = TestContext.Current.CancellationToken;
        // A user whose mail may be written: as root any, else only ourselves.
        var user = Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName;
        await using var sink = await SmtpSink.StartAsync(token);
        var mta = MtaInstance.Create();
        await using (mta)
        {
            await File.WriteAllTextAsync(Path.Combine(mta.ConfigurationDirectory, "aliases"), $"team {user}, Friend <friend@elsewhere.test>\n", token);
            var spool = mta.MakeMailSpool();
            await File.AppendAllTextAsync(
                Path.Combine(mta.ConfigurationDirectory, "main.cf"),
                $"relayhost = [127.0.0.1]:{sink.Port}\nalias_maps = texthash:{mta.ConfigurationDirectory}/aliases\nmail_spool_directory = {spool}\n",
                token);
            (await mta.PostfixAsync("start", token)).Succeeded();
            await using var client = await mta.ConnectAsync(token);

            (await client.SendMailAsync("sender@client.test", ["Team@mta.test"], TestMail.Make("to-all", "From me\n"), token)).ShouldStartWith("250 ");

            await mta.WaitForEmptyQueueAsync(token);
            var mailbox = await File.ReadAllTextAsync(Path.Combine(spool, user), token);
            mailbox.ShouldStartWith("From sender@client.test  ");
            mailbox.ShouldContain("\nX-Original-To: Team@mta.test\nDelivered-To: Team@mta.test\n");
            mailbox.ShouldEndWith("\n\n>From me\n\n");
            var forwarded = sink.Messages().ShouldHaveSingleItem();
            forwarded.Recipients.ShouldBe(["friend@elsewhere.test"]);
            forwarded.Content.ShouldContain("\nDelivered-To: Team@mta.test\n");
            await mta.WaitForLogAsync("to=<Team@mta.test>, relay=local, ", token);
        }
    }
}
