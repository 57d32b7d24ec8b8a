using Mta.Core.Queue;

namespace Mta.Storage.Queue;

/// <summary>Who put a message on hold when it came in: held_by in the hold queue.</summary>
public enum HoldReason : byte
{
    None = 0,
    /// <summary>An action of access(5).</summary>
    Access,
    /// <summary>An action of header_checks(5) for a header.</summary>
    HeaderChecks,
    /// <summary>An action of header_checks(5) for a line of the body.</summary>
    BodyChecks,
}

/// <summary>A message on its way into the queue: envelope, recipients and content.</summary>
public sealed class NewMessage
{
    public required Envelope Envelope { get; init; }

    public required IReadOnlyList<Recipient> Recipients { get; init; }

    /// <summary>The whole content, or what follows the chunks that were stored before.</summary>
    public ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Chunks that <c>ContentUpload</c> stored in earlier transactions; the one that makes the message visible checks that all are there.</summary>
    public int StoredChunks { get; init; }

    /// <summary>True when this node delivers it from memory; false puts it into incoming, for whichever node has room.</summary>
    public bool Owned { get; init; }

    /// <summary>The message goes into the hold queue, whatever <see cref="Owned"/> says.</summary>
    public HoldReason Hold { get; init; }

    /// <summary>The maildrop message that this one replaces, deleted in the same transaction; 0 for none.</summary>
    public long MaildropId { get; init; }

    /// <summary>The same message with another decision about its owner.</summary>
    public NewMessage WithOwner(bool owned) => new()
    {
        Envelope = Envelope,
        Recipients = Recipients,
        Content = Content,
        StoredChunks = StoredChunks,
        Hold = Hold,
        MaildropId = MaildropId,
        Owned = owned,
    };
}
