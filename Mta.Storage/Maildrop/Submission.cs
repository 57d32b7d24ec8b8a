using Mta.Core.Queue;

namespace Mta.Storage.Maildrop;

/// <summary>The envelope of a message on its way into maildrop.</summary>
public sealed class Submission
{
    public required string Sender { get; init; }

    public required IReadOnlyList<string> Recipients { get; init; }

    public DsnNotify Notify { get; init; }

    public DsnReturn Return { get; init; }

    public string? EnvelopeId { get; init; }

    /// <summary>Only <see cref="EnvelopeFlags.SmtpUtf8"/> and <see cref="EnvelopeFlags.EightBit"/> may be set.</summary>
    public EnvelopeFlags Flags { get; init; }

    /// <summary>The user of the operating system; null when there is none.</summary>
    public long? UserId { get; init; }

    /// <summary>The words that <c>mta.submit_begin</c> takes: <c>never</c>, or some of <c>success,failure,delay</c>; null for the default.</summary>
    internal string? NotifyWords => Notify == DsnNotify.Default
        ? null
        : string.Join(',', Enum.GetValues<DsnNotify>().Where(n => n != DsnNotify.Default && Notify.HasFlag(n)).Select(n => n.ToString().ToLowerInvariant()));

    internal string? ReturnWord => Return switch
    {
        DsnReturn.Full => "full",
        DsnReturn.Headers => "hdrs",
        _ => null,
    };
}
