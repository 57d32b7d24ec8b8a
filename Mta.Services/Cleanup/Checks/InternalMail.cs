using System.Buffers;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Cleanup.Checks;

/// <summary>Header and body checks of a message that the mail system made itself and that is whole in memory.</summary>
internal sealed class InternalMail : IContentOutput
{
    private readonly ArrayBufferWriter<byte> passed = new();

    public static async ValueTask<InspectedMail> InspectAsync(
        ContentRules rules, CheckLog log, IRecipientExpansion expansion, string idText, IReadOnlyList<Recipient> recipients, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var actions = new MessageActions();
        var output = new InternalMail();
        var checks = new ContentChecks(rules, converted: false, actions, log);
        checks.Append(content.Span);
        await checks.RunAsync(isLast: true, output, cancellationToken).ConfigureAwait(false);
        return checks.Refusal is not null ? new InspectedMail(InspectionOutcome.Refused, content, recipients)
            : actions.Discard ? new InspectedMail(InspectionOutcome.Discarded, content, recipients)
            : new InspectedMail(
                InspectionOutcome.Passed,
                output.passed.WrittenMemory,
                await RecipientsAsync(recipients, actions, expansion, idText, cancellationToken).ConfigureAwait(false),
                actions.Hold,
                actions.Redirect is null ? actions.Filter : null);
    }

    public void Header(ReadOnlySpan<byte> field)
    {
        passed.Write(field);
        passed.Write("\n"u8);
    }

    public void EndHeader()
    {
        // Nothing is missing in a header of our own; the empty line comes with the body.
    }

    public void Write(ReadOnlySpan<byte> content) => passed.Write(content);

    private static async ValueTask<IReadOnlyList<Recipient>> RecipientsAsync(
        IReadOnlyList<Recipient> recipients, MessageActions actions, IRecipientExpansion expansion, string idText, CancellationToken cancellationToken)
    {
        if (actions.Redirect is { } address)
        {
            return [new Recipient { Number = 0, Address = address, Original = recipients[0].Original ?? recipients[0].Address, Notify = DsnNotify.Never }];
        }

        if (actions.Bcc is null)
        {
            return recipients;
        }

        var all = new List<Recipient>(recipients);
        foreach (var bcc in actions.Bcc)
        {
            var copy = new Recipient { Number = 0, Address = bcc, Notify = DsnNotify.Never };
            foreach (var one in await expansion.ExpandAsync(idText, copy, cancellationToken).ConfigureAwait(false))
            {
                all.Add(new Recipient { Number = all.Count, Address = one.Address, Original = one.Original, Notify = DsnNotify.Never });
            }
        }

        return all;
    }
}
