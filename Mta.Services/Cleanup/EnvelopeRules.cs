using System.Text;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Net;

namespace Mta.Services.Cleanup;

/// <summary>The envelope as it goes into the queue, or why the message is refused.</summary>
internal readonly record struct EnvelopeResult(string Sender, IReadOnlyList<Recipient> Recipients, CleanupResult? Refusal)
{
    /// <summary>An address needs SMTPUTF8 (RFC 6531).</summary>
    public bool HasEightBit
    {
        get
        {
            var any = !Ascii.IsValid(Sender);
            foreach (var recipient in Recipients)
            {
                any |= !Ascii.IsValid(recipient.Address);
            }

            return any;
        }
    }
}

/// <summary>
/// What happens to the envelope: addresses completed, bcc recipients added, canonical maps and masquerading applied, aliases expanded,
/// duplicates removed, in the order of ADDRESS_REWRITING_README.
/// </summary>
internal sealed class EnvelopeRules
{
    private readonly CleanupConfig config;
    private readonly IAddressResolver resolver;
    private readonly MailLog log;
    private readonly MailAddressContext context;
    private readonly VirtualAliases aliases;
    private readonly TableList senderBcc;
    private readonly TableList recipientBcc;
    private readonly bool hasBcc;
    private readonly string mailerDaemon;

    public EnvelopeRules(CleanupConfig config, Settings settings, IAddressResolver resolver, TableRegistry tables, MailLog log)
    {
        this.config = config;
        this.resolver = resolver;
        this.log = log;
        context = MailAddressContext.From(settings, tables);
        Mappings = new AddressMappings(settings, resolver, tables, context, log);
        aliases = new VirtualAliases(settings, resolver, tables.Open(settings, Parameters.VirtualAliasMaps), context, log);
        senderBcc = tables.Open(settings, Parameters.SenderBccMaps);
        recipientBcc = tables.Open(settings, Parameters.RecipientBccMaps);
        hasBcc = !senderBcc.IsEmpty || !recipientBcc.IsEmpty || config.AlwaysBcc.Length > 0;
        mailerDaemon = resolver.Rewrite("MAILER-DAEMON", localContext: true);
    }

    /// <summary>Canonical maps and masquerading.</summary>
    public AddressMappings Mappings { get; }

    /// <summary>The sender in full; mail in the name of the mail system is from nobody, so that nobody answers it.</summary>
    public string CompleteSender(string sender)
    {
        var complete = resolver.Rewrite(sender, localContext: true);
        return complete.Equals(mailerDaemon, StringComparison.OrdinalIgnoreCase) ? "" : complete;
    }

    /// <summary>A recipient in full, for the log.</summary>
    public string CompleteRecipient(string recipient) =>
        resolver.Rewrite(recipient.Length == 0 ? config.EmptyRecipient : recipient, localContext: true);

    /// <summary>The sender as it goes into the queue; null, after a warning, when a table cannot answer.</summary>
    public ValueTask<string?> SenderAsync(string idText, CleanupRequest request, CancellationToken cancellationToken)
    {
        var complete = CompleteSender(request.Sender);
        return request.MapsAddresses && Mappings.Has(AddressRole.EnvelopeSender)
            ? Mappings.MapAsync(idText, complete, AddressRole.EnvelopeSender, cancellationToken)
            : new(complete);
    }

    /// <param name="sender">What <see cref="SenderAsync"/> gave.</param>
    /// <param name="bcc">Recipients that rules added; null for none.</param>
    public async ValueTask<EnvelopeResult> MakeAsync(
        string idText, CleanupRequest request, string sender, List<Recipient> given, IReadOnlyList<string>? bcc, CancellationToken cancellationToken)
    {
        if (given.Count == 0)
        {
            return new EnvelopeResult(sender, given, new CleanupResult(CleanupOutcome.NoRecipients));
        }

        // Of mail that the mail system makes itself nobody gets a copy.
        var copies = hasBcc && request.MapsAddresses && (request.Flags & EnvelopeFlags.Internal) == 0;
        if (given.Count == 1 && !copies && bcc is null
            && (!request.MapsAddresses || (aliases.IsOff && !Mappings.Has(AddressRole.EnvelopeRecipient))))
        {
            given[0] = Complete(given[0]);
            return new EnvelopeResult(sender, given, null);
        }

        var gathered = new Gathering(config, given.Count) { Maps = request.MapsAddresses };
        var refusal = copies ? await AddBccAsync(idText, gathered, senderBcc, sender, cancellationToken).ConfigureAwait(false) : null;
        for (var i = 0; i < given.Count && refusal is null; i++)
        {
            if (await MapAsync(idText, gathered, Complete(given[i]), cancellationToken).ConfigureAwait(false) is not { } recipient)
            {
                return new EnvelopeResult(sender, given, new CleanupResult(CleanupOutcome.WriteError));
            }

            refusal = await ExpandAsync(idText, gathered, recipient, cancellationToken).ConfigureAwait(false)
                ?? (copies ? await AddBccAsync(idText, gathered, recipientBcc, recipient.Address, cancellationToken).ConfigureAwait(false) : null);
        }

        if (copies && config.AlwaysBcc.Length > 0 && refusal is null)
        {
            refusal = await AddCopyAsync(idText, gathered, config.AlwaysBcc, cancellationToken).ConfigureAwait(false);
        }

        for (var i = 0; i < (bcc?.Count ?? 0) && refusal is null; i++)
        {
            refusal = await AddCopyAsync(idText, gathered, bcc![i], cancellationToken).ConfigureAwait(false);
        }

        return new EnvelopeResult(sender, gathered.Recipients, refusal);
    }

    /// <summary>One recipient, completed and expanded; without expansion when a table fails.</summary>
    public async ValueTask<IReadOnlyList<Recipient>> ExpandOneAsync(string idText, Recipient recipient, CancellationToken cancellationToken)
    {
        var complete = Complete(recipient);
        var gathered = new Gathering(config, 1);
        complete = await MapAsync(idText, gathered, complete, cancellationToken).ConfigureAwait(false) ?? complete;
        return await ExpandAsync(idText, gathered, complete, cancellationToken).ConfigureAwait(false) is null ? gathered.Recipients : [complete];
    }

    /// <summary>The address in full. The form it was given in stays known when it differs.</summary>
    private Recipient Complete(Recipient recipient)
    {
        var address = resolver.Rewrite(recipient.Address.Length == 0 ? config.EmptyRecipient : recipient.Address, localContext: true);
        return ReferenceEquals(address, recipient.Address) ? recipient : With(recipient, address, recipient.Number);
    }

    private Recipient With(Recipient recipient, string address, int number)
    {
        var original = recipient.Original ?? recipient.Address;
        return new Recipient
        {
            Number = number,
            Address = address,
            Original = original.Equals(address, StringComparison.OrdinalIgnoreCase) ? null : original,
            Notify = recipient.Notify,
            OriginalRecipient = recipient.OriginalRecipient,
        };
    }

    /// <summary>The recipient with the address that canonical maps and masquerading give; null, after a warning, when a table cannot answer.</summary>
    private async ValueTask<Recipient?> MapAsync(string idText, Gathering gathered, Recipient recipient, CancellationToken cancellationToken)
    {
        if (!gathered.Maps || !Mappings.Has(AddressRole.EnvelopeRecipient))
        {
            return recipient;
        }

        var mapped = await Mappings.MapAsync(idText, recipient.Address, AddressRole.EnvelopeRecipient, cancellationToken).ConfigureAwait(false);
        return mapped is null ? null
            : ReferenceEquals(mapped, recipient.Address) ? recipient
            : With(recipient, mapped, recipient.Number);
    }

    private async ValueTask<CleanupResult?> ExpandAsync(
        string idText, Gathering gathered, Recipient recipient, CancellationToken cancellationToken)
    {
        if (aliases.IsOff || !gathered.Maps)
        {
            gathered.Add(this, recipient, recipient.Address);
            return null;
        }

        var (addresses, refusal) = await aliases.ExpandAsync(idText, recipient.Address, cancellationToken).ConfigureAwait(false);
        if (refusal is null)
        {
            foreach (var address in addresses ?? [recipient.Address])
            {
                gathered.Add(this, recipient, address);
            }
        }

        return refusal;
    }

    private async ValueTask<CleanupResult?> AddBccAsync(
        string idText, Gathering gathered, TableList maps, string address, CancellationToken cancellationToken)
    {
        if (maps.IsEmpty || address.Length == 0)
        {
            return null;
        }

        var match = await maps.FindMailAddressAsync(address, AddressKeyForms.AddressOrPlain, context, cancellationToken).ConfigureAwait(false);
        if (match.IsFailed)
        {
            log.LookupFailure(CleanupService.Tag, match.Result);
            var name = maps == senderBcc ? Parameters.SenderBccMaps.Name : Parameters.RecipientBccMaps.Name;
            log.Warning(CleanupService.Tag, $"{idText}: {name} map lookup problem -- message not accepted, try again later");
            return new CleanupResult(CleanupOutcome.WriteError);
        }

        return match.IsFound
            ? await AddCopyAsync(idText, gathered, match.Result.Value, cancellationToken).ConfigureAwait(false)
            : null;
    }

    /// <summary>A recipient that nobody is told of (RFC 3461 section 4.1), and who came by no other address than the one that maps gave.</summary>
    private async ValueTask<CleanupResult?> AddCopyAsync(string idText, Gathering gathered, string address, CancellationToken cancellationToken)
    {
        var complete = resolver.Rewrite(address, localContext: true);
        var mapped = gathered.Maps && Mappings.Has(AddressRole.EnvelopeRecipient)
            ? await Mappings.MapAsync(idText, complete, AddressRole.EnvelopeRecipient, cancellationToken).ConfigureAwait(false)
            : complete;
        return mapped is null
            ? new CleanupResult(CleanupOutcome.WriteError)
            : await ExpandAsync(idText, gathered, new Recipient { Number = 0, Address = mapped, Notify = DsnNotify.Never }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Recipients without duplicates: those that go to the same place, came from the same address and want the same notices; without
    /// enable_original_recipient those that go to the same place, and the first of them keeps what it had.
    /// </summary>
    private sealed class Gathering(CleanupConfig config, int expected)
    {
        private readonly HashSet<(string Address, string? Original, string? OriginalRecipient, DsnNotify Notify)> seen = new(SameRecipient.Instance);

        public List<Recipient> Recipients { get; } = new(expected);

        /// <summary>Addresses are mapped and aliases expanded: no receive_override_options asked not to.</summary>
        public bool Maps { get; init; } = true;

        /// <summary><paramref name="address"/> is what <paramref name="recipient"/> was expanded to.</summary>
        public void Add(EnvelopeRules rules, Recipient recipient, string address)
        {
            var next = ReferenceEquals(address, recipient.Address) && recipient.Number == Recipients.Count
                ? recipient
                : rules.With(recipient, address, Recipients.Count);
            var key = config.KeepOriginalRecipient ? (next.Address, next.Original, next.OriginalRecipient, next.Notify) : (next.Address, null, null, default);
            if (seen.Count < config.DuplicateFilterLimit ? seen.Add(key) : !seen.Contains(key))
            {
                Recipients.Add(next);
            }
        }
    }

    private sealed class SameRecipient : IEqualityComparer<(string Address, string? Original, string? OriginalRecipient, DsnNotify Notify)>
    {
        public static readonly SameRecipient Instance = new();

        public bool Equals(
            (string Address, string? Original, string? OriginalRecipient, DsnNotify Notify) x,
            (string Address, string? Original, string? OriginalRecipient, DsnNotify Notify) y) =>
            x.Notify == y.Notify
            && string.Equals(x.Address, y.Address, StringComparison.OrdinalIgnoreCase)
            && string.Equals(x.Original, y.Original, StringComparison.OrdinalIgnoreCase)
            && string.Equals(x.OriginalRecipient, y.OriginalRecipient, StringComparison.OrdinalIgnoreCase);

        public int GetHashCode((string Address, string? Original, string? OriginalRecipient, DsnNotify Notify) key) =>
            StringComparer.OrdinalIgnoreCase.GetHashCode(key.Address);
    }
}
