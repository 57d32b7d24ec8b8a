using Mta.Core.Addresses;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Local;

/// <summary>
/// What a local recipient stands for: mailboxes, addresses elsewhere, and reasons why parts of it cannot be had. Found out without any
/// effect, so that mail whose aliases cannot be read is deferred before a part of it is delivered.
/// </summary>
internal sealed class LocalExpansion(LocalTables tables, IAddressResolver resolver, string transport)
{
    // As in Postfix: what is nested deeper refers to itself.
    private const int NestingLimit = 100;

    private readonly HashSet<(int Level, string Address)> seen = [];

    /// <summary>Users whose mailbox gets a copy, with the envelope sender to record; each once.</summary>
    public List<(LocalUser User, string Sender)> Mailboxes { get; } = [];

    /// <summary>Addresses to forward to, by the envelope sender to use (an alias with an owner has its own).</summary>
    public Dictionary<string, List<string>> Forwards { get; } = new(StringComparer.Ordinal);

    /// <summary>True when postmaster or mailer-daemon had neither alias nor user: the mail is dropped with a warning.</summary>
    public string? MissingAlias { get; private set; }

    /// <summary>Null, or the alias that leads back to itself.</summary>
    public string? Loop { get; private set; }

    /// <summary>The first reason to try again, else the first to bounce, with its status code; null when all is well.</summary>
    public (string Dsn, string Text)? Failure { get; private set; }

    public ValueTask AddRecipientAsync(Envelope envelope, string address, CancellationToken cancellationToken) =>
        AddAsync(envelope.Sender, address, parent: null, 0, cancellationToken);

    private async ValueTask AddAsync(string sender, string address, string? parent, int level, CancellationToken cancellationToken)
    {
        if (!seen.Add((level, address)))
        {
            return;
        }

        var name = MailAddress.LocalPart(address).ToString().ToLowerInvariant();
        if (name is ['\\', .. var user])
        {
            await AddUserAsync(sender, WithoutExtension(user), cancellationToken).ConfigureAwait(false);
            return;
        }

        var bare = WithoutExtension(name);
        if (!await TryAliasAsync(sender, name, parent, level, cancellationToken).ConfigureAwait(false)
            && (bare == name || !await TryAliasAsync(sender, bare, parent, level, cancellationToken).ConfigureAwait(false)))
        {
            await AddUserAsync(sender, bare, cancellationToken).ConfigureAwait(false);
        }
    }

    private string WithoutExtension(string name) => tables.Extensions.IndexOfDelimiter(name) is >= 0 and var at ? name[..at] : name;

    // False when there is no such alias. An alias that names itself means the mailbox behind it.
    private async ValueTask<bool> TryAliasAsync(string sender, string name, string? parent, int level, CancellationToken cancellationToken)
    {
        if (name == parent)
        {
            return false;
        }

        var found = await tables.AliasAsync(name, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            Fail("4.3.0", "alias database unavailable");
            return true;
        }

        if (!found.IsFound)
        {
            return false;
        }

        if (level > NestingLimit)
        {
            Loop ??= name;
            Fail("5.4.6", "alias database loop for " + name);
            return true;
        }

        if (!name.StartsWith("owner-", StringComparison.Ordinal))
        {
            var owner = await tables.AliasAsync("owner-" + name, cancellationToken).ConfigureAwait(false);
            sender = owner.IsFound ? resolver.Rewrite("owner-" + name, localContext: true) : sender;
        }

        var targets = AliasTarget.ParseAll(found.Value);
        if (targets.Count == 0)
        {
            // Nothing but commas: dropping mail is never meant by that.
            Fail("4.3.5", "mail system configuration error");
        }

        foreach (var target in targets)
        {
            await AddTargetAsync(sender, target, name, level, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private async ValueTask AddTargetAsync(string sender, AliasTarget target, string alias, int level, CancellationToken cancellationToken)
    {
        if (target.Kind != AliasTargetKind.Address)
        {
            var what = target.Kind switch { AliasTargetKind.Command => "commands", AliasTargetKind.File => "files", _ => ":include: files" };
            Fail("4.3.0", $"alias {alias}: delivery to {what} is not available in this version");
            return;
        }

        var direct = target.Text.StartsWith('\\');
        var address = resolver.Rewrite(direct ? target.Text[1..] : target.Text, localContext: true);
        var resolution = await resolver.ResolveAsync(sender, address, cancellationToken).ConfigureAwait(false);
        if (resolution.Outcome == ResolveOutcome.Failed)
        {
            Fail("4.3.0", "address resolver failure");
        }
        else if (resolution.Outcome == ResolveOutcome.BadAddress)
        {
            Fail("5.1.3", resolution.Text ?? "bad recipient address syntax: " + address);
        }
        else if (resolution.Transport == transport)
        {
            await AddAsync(sender, direct ? "\\" + resolution.Recipient : resolution.Recipient, alias, level + 1, cancellationToken).ConfigureAwait(false);
        }
        else if (!Forwards.TryGetValue(sender, out var addresses))
        {
            Forwards.Add(sender, [resolution.Recipient]);
        }
        else if (!addresses.Contains(resolution.Recipient, StringComparer.OrdinalIgnoreCase))
        {
            addresses.Add(resolution.Recipient);
        }
    }

    private async ValueTask AddUserAsync(string sender, string name, CancellationToken cancellationToken)
    {
        var found = await tables.UserAsync(name, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            Fail("4.3.0", "user lookup error");
        }
        else if (found.IsFound && LocalUser.Parse(found.Value) is { } user)
        {
            if (!Mailboxes.Exists(m => m.User.Name == user.Name))
            {
                Mailboxes.Add((user, sender));
            }
        }
        else if (name is "postmaster" or "mailer-daemon")
        {
            MissingAlias = name;
        }
        else
        {
            Fail("5.1.1", $"unknown user: \"{name}\"");
        }
    }

    private void Fail(string dsn, string text)
    {
        if (Failure is null || (Failure.Value.Dsn[0] == '5' && dsn[0] == '4'))
        {
            Failure = (dsn, text);
        }
    }
}
