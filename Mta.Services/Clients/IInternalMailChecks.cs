using Mta.Core.Queue;
using Mta.Storage.Queue;

namespace Mta.Services.Clients;

public enum InspectionOutcome : byte
{
    /// <summary>The mail goes out, perhaps changed.</summary>
    Passed = 0,
    /// <summary>A rule throws it away.</summary>
    Discarded,
    /// <summary>A rule rejects it, or a table cannot answer: to be tried again later.</summary>
    Refused,
}

/// <summary>Mail of the mail system itself after header and body checks.</summary>
public sealed record InspectedMail(
    InspectionOutcome Outcome, ReadOnlyMemory<byte> Content, IReadOnlyList<Recipient> Recipients, HoldReason Hold = HoldReason.None, string? Filter = null);

/// <summary>What cleanup(8) does with the content of mail that the mail system makes itself, where internal_mail_filter_classes wants it.</summary>
public interface IInternalMailChecks
{
    ValueTask<InspectedMail> InspectAsync(string idText, IReadOnlyList<Recipient> recipients, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);
}
