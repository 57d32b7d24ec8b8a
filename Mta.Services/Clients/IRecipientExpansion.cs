using Mta.Core.Queue;

namespace Mta.Services.Clients;

/// <summary>What cleanup(8) does with the recipients of mail that the mail system makes itself, for those who put it into the queue without cleanup.</summary>
public interface IRecipientExpansion
{
    /// <summary>The recipients that <paramref name="recipient"/> stands for: completed, and with aliases expanded. Without the aliases, after a warning, when a table fails.</summary>
    ValueTask<IReadOnlyList<Recipient>> ExpandAsync(string idText, Recipient recipient, CancellationToken cancellationToken);
}
