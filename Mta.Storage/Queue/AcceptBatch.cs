using Mta.Core.Queue;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>The parameters of one accept statement: a list for each column, filled from the messages of a batch and used again for the next.</summary>
internal sealed class AcceptBatch
{
    private readonly List<long> ids = [];
    private readonly List<string> senders = [];
    private readonly List<long> sizes = [];
    private readonly List<int> recipientCounts = [];
    private readonly List<int> flags = [];
    private readonly List<short> returns = [];
    private readonly List<string?> envelopeIds = [];
    private readonly List<string> clientNames = [];
    private readonly List<string> clientAddresses = [];
    private readonly List<int> clientPorts = [];
    private readonly List<string> protocols = [];
    private readonly List<string> helos = [];
    private readonly List<string?> messageIds = [];
    private readonly List<string?> filters = [];
    private readonly List<int> chunkCounts = [];
    private readonly List<long> recipientMessages = [];
    private readonly List<int> recipientNumbers = [];
    private readonly List<string> addresses = [];
    private readonly List<string?> originals = [];
    private readonly List<short> notifies = [];
    private readonly List<string?> originalRecipients = [];
    private readonly List<long> contentMessages = [];
    private readonly List<int> chunks = [];
    private readonly List<ReadOnlyMemory<byte>> contents = [];
    private readonly List<long> uploads = [];
    private readonly List<long> maildrops = [];

    public bool HasSources => uploads.Count > 0 || maildrops.Count > 0;

    public void Clear()
    {
        ids.Clear();
        senders.Clear();
        sizes.Clear();
        recipientCounts.Clear();
        flags.Clear();
        returns.Clear();
        envelopeIds.Clear();
        clientNames.Clear();
        clientAddresses.Clear();
        clientPorts.Clear();
        protocols.Clear();
        helos.Clear();
        messageIds.Clear();
        filters.Clear();
        chunkCounts.Clear();
        recipientMessages.Clear();
        recipientNumbers.Clear();
        addresses.Clear();
        originals.Clear();
        notifies.Clear();
        originalRecipients.Clear();
        contentMessages.Clear();
        chunks.Clear();
        contents.Clear();
        uploads.Clear();
        maildrops.Clear();
    }

    public void Add(NewMessage message)
    {
        var envelope = message.Envelope;
        var id = envelope.Id.Value;
        ids.Add(id);
        senders.Add(StoredText.Clean(envelope.Sender));
        sizes.Add(envelope.Size);
        recipientCounts.Add(message.Recipients.Count);
        flags.Add((int)envelope.Flags);
        returns.Add((short)envelope.Return);
        envelopeIds.Add(StoredText.CleanOrNull(envelope.EnvelopeId));
        clientNames.Add(StoredText.Clean(envelope.ClientName));
        clientAddresses.Add(envelope.ClientAddress);
        clientPorts.Add(envelope.ClientPort);
        protocols.Add(envelope.Protocol);
        helos.Add(StoredText.Clean(envelope.Helo));
        messageIds.Add(StoredText.CleanOrNull(envelope.MessageId));
        filters.Add(envelope.Filter);
        chunkCounts.Add(message.StoredChunks + (message.Content.IsEmpty && message.StoredChunks > 0 ? 0 : 1));
        foreach (var recipient in message.Recipients)
        {
            recipientMessages.Add(id);
            recipientNumbers.Add(recipient.Number);
            addresses.Add(StoredText.Clean(recipient.Address));
            originals.Add(StoredText.CleanOrNull(recipient.Original));
            notifies.Add((short)recipient.Notify);
            originalRecipients.Add(StoredText.CleanOrNull(recipient.OriginalRecipient));
        }

        if (!message.Content.IsEmpty || message.StoredChunks == 0)
        {
            contentMessages.Add(id);
            chunks.Add(message.StoredChunks);
            contents.Add(message.Content);
        }

        if (message.StoredChunks > 0)
        {
            uploads.Add(id);
        }

        if (message.MaildropId != 0)
        {
            maildrops.Add(message.MaildropId);
        }
    }

    /// <summary>Binds the lists behind the parameters $1 to $4, in the order of the statement.</summary>
    public void AddParameters(NpgsqlParameterCollection parameters, bool withSources)
    {
        Bind(parameters, ids);
        Bind(parameters, senders);
        Bind(parameters, sizes);
        Bind(parameters, recipientCounts);
        Bind(parameters, flags);
        Bind(parameters, returns);
        Bind(parameters, envelopeIds);
        Bind(parameters, clientNames);
        Bind(parameters, clientAddresses);
        Bind(parameters, clientPorts);
        Bind(parameters, protocols);
        Bind(parameters, helos);
        Bind(parameters, messageIds);
        Bind(parameters, filters);
        Bind(parameters, chunkCounts);
        Bind(parameters, recipientMessages);
        Bind(parameters, recipientNumbers);
        Bind(parameters, addresses);
        Bind(parameters, originals);
        Bind(parameters, notifies);
        Bind(parameters, originalRecipients);
        Bind(parameters, contentMessages);
        Bind(parameters, chunks);
        Bind(parameters, contents);
        if (withSources)
        {
            Bind(parameters, uploads);
            Bind(parameters, maildrops);
        }
    }

    private static void Bind<T>(NpgsqlParameterCollection parameters, List<T> list) =>
        parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = list });
}
