using System.Text;
using Mta.Core.Headers;
using Mta.Services.Clients;

namespace Mta.Services.Cleanup;

/// <summary>The header of one message on its way through: fields are dropped, changed, counted, logged, and added at the end.</summary>
internal sealed class HeaderPass : IHeaderSink
{
    private const byte Lf = (byte)'\n';

    private readonly CleanupService service;
    private readonly CleanupRequest request;
    private readonly string idText;
    private readonly bool rewrites;

    /// <summary>Fields with addresses that tables decide about; null where no table or masquerading applies.</summary>
    private readonly HeaderMapping? mapping;
    private HeaderSplitter splitter;

    /// <summary>The caller's buffer while a call runs; it goes back to it afterwards.</summary>
    private ContentBuffer output;
    private long seen;
    private bool resent;
    private bool headerEnded;

    public HeaderPass(CleanupService service, CleanupRequest request, string idText)
    {
        this.service = service;
        this.request = request;
        this.idText = idText;
        rewrites = service.Headers.Rewrites(request.LocalContext);
        if (rewrites && request.MapsAddresses && service.Envelopes.Mappings.Has(AddressRole.Header | AddressRole.EnvelopeSender))
        {
            mapping = new HeaderMapping(service.Headers, service.Envelopes.Mappings, idText, request.LocalContext);
        }

        splitter = new HeaderSplitter(service.Config.HeaderSizeLimit);
    }

    /// <summary>The rest of the content is body.</summary>
    public bool HasEnded => splitter.HasEnded;

    /// <summary>Received fields.</summary>
    public int Hops { get; private set; }

    /// <summary>The first Message-Id found or made.</summary>
    public string? MessageId { get; private set; }

    /// <summary>A field of the main header says that the body is 8-bit.</summary>
    public bool ClaimsEightBit { get; private set; }

    /// <summary>A field has bytes above 127.</summary>
    public bool HasEightBit { get => field || mapping is { HasEightBit: true }; private set; }

    /// <summary>Fields in the buffer wait for <see cref="MapAsync"/>.</summary>
    public bool HasUnmapped => mapping is { HasWork: true };

    /// <summary>Takes content; returns what of it is body, whose begin may have been written already.</summary>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> content, ref ContentBuffer buffer)
    {
        output = buffer;
        var used = splitter.Take(content, this);
        if (splitter.HasEnded)
        {
            EndHeader();
            WriteKeptBody();
        }

        buffer = output;
        output = default;
        return splitter.HasEnded ? content[used..] : [];
    }

    /// <summary>The content is over: what waits is the last field, and missing fields are added if the header is still open.</summary>
    public void Finish(ref ContentBuffer buffer)
    {
        output = buffer;
        splitter.Finish(this);
        EndHeader();
        WriteKeptBody();
        splitter.Release();
        buffer = output;
        output = default;
    }

    /// <summary>The buffer with the addresses of its fields replaced; no buffer, after a warning, when a table cannot answer.</summary>
    public ValueTask<ContentBuffer?> MapAsync(ContentBuffer buffer, string sender, CancellationToken cancellationToken) =>
        mapping is null ? new(buffer) : mapping.ApplyAsync(buffer, sender, request.FullName, cancellationToken);

    /// <summary>Looks at a field of our own that has been written.</summary>
    public void Note(ReadOnlySpan<byte> header)
    {
        if (HeaderSyntax.NameLength(header, out _) is > 0 and var length)
        {
            Note(HeaderNames.Find(header[..length]), header);
        }
    }

    public void Header(ReadOnlySpan<byte> header, int nameLength, int colon)
    {
        var name = HeaderNames.Find(header[..nameLength]);
        if (service.Config.Drops(name, header[..nameLength]))
        {
            // It was there all the same: none is added in its place.
            Note(name, header);
            return;
        }

        var start = output.Length;
        output.Write(header[..nameLength]);
        output.Write(header[colon..]);
        if (header.ContainsAny((byte)'\r', (byte)0))
        {
            Clean(start);
        }

        var written = output.Last(output.Length - start);
        Note(name, written);
        if (mapping is not null && HeaderNames.HasAddresses(name) && mapping.Takes(name))
        {
            mapping.Add(start, written.Length, nameLength, name);
        }
        else if (rewrites && HeaderNames.HasAddresses(name)
            && service.Headers.RewriteAddresses(written, nameLength, request.LocalContext) is { } rewritten)
        {
            output.RemoveLast(written.Length);
            WriteLatin1(rewritten);
        }

        output.Write(Lf);
    }

    /// <summary>A field that was cut out of the message elsewhere.</summary>
    public void Header(ReadOnlySpan<byte> field, ref ContentBuffer buffer)
    {
        output = buffer;
        Header(field, HeaderSyntax.NameLength(field, out var colon), colon);
        buffer = output;
        output = default;
    }

    /// <summary>The header is over, as was found elsewhere: what is missing is added.</summary>
    public void EndHeader(ref ContentBuffer buffer)
    {
        output = buffer;
        EndHeader();
        buffer = output;
        output = default;
    }

    public void Release() => splitter.Release();

    private void Note(HeaderName name, ReadOnlySpan<byte> header)
    {
        seen |= 1L << (int)name;
        HasEightBit = HasEightBit || !Ascii.IsValid(header);
        switch (name)
        {
            case HeaderName.Received:
                Hops++;
                break;
            case HeaderName.MessageId:
                var value = HeaderSyntax.Value(header);
                MessageId ??= Encoding.UTF8.GetString(value);
                service.Log.Info(CleanupService.Tag, $"{idText}: message-id={value}");
                break;
            case HeaderName.ResentMessageId:
                service.Log.Info(CleanupService.Tag, $"{idText}: resent-message-id={HeaderSyntax.Value(header)}");
                break;
            case HeaderName.ContentTransferEncoding when service.Config.DetectEightBitByHeader:
                var encoding = HeaderSyntax.Value(header).TrimEnd(" \t\r\n"u8);
                ClaimsEightBit |= Ascii.EqualsIgnoreCase(encoding, "8bit"u8) || Ascii.EqualsIgnoreCase(encoding, "binary"u8);
                break;
        }

        resent |= HeaderNames.IsResent(name);
    }

    /// <summary>A carriage return within the header becomes a space; a NUL ends its line, as it does in Postfix.</summary>
    private void Clean(int start)
    {
        var field = output.Last(output.Length - start);
        if (service.Config.ReplaceStrayCr)
        {
            field.Replace((byte)'\r', (byte)' ');
        }

        var (length, cut) = (0, false);
        foreach (var b in field)
        {
            cut = b == 0 || (cut && b != Lf);
            if (!cut)
            {
                field[length++] = b;
            }
        }

        output.RemoveLast(field.Length - length);
    }

    private void EndHeader()
    {
        if (headerEnded)
        {
            return;
        }

        headerEnded = true;
        if (rewrites || service.Config.AlwaysAddMissingHeaders)
        {
            AddMissing();
        }

        if (MessageId is null)
        {
            service.Log.Info(CleanupService.Tag, $"{idText}: message-id=<>");
        }

        if (splitter.LacksEmptyLine)
        {
            output.Write(Lf);
        }
    }

    /// <summary>RFC 5322 section 3.6: a message has Date and From; and RFC 6409 section 8 lets a submission server add them.</summary>
    private void AddMissing()
    {
        if (!Has(resent ? HeaderName.ResentMessageId : HeaderName.MessageId))
        {
            var messageId = $"<{idText}@{service.Config.Hostname}>";
            WriteLine($"{(resent ? "Resent-" : "")}Message-Id: {messageId}");
            service.Log.Info(CleanupService.Tag, $"{idText}: {(resent ? "resent-" : "")}message-id={messageId}");
            MessageId ??= resent ? null : messageId;
        }

        if (!Has(resent ? HeaderName.ResentDate : HeaderName.Date))
        {
            WriteLine($"{(resent ? "Resent-" : "")}Date: {MailDates.Format(service.Time)}");
        }

        if (!Has(resent ? HeaderName.ResentFrom : HeaderName.From))
        {
            AddMissingFrom();
        }

        if (service.Config.UndisclosedRecipients.Length > 0
            && !Has(HeaderName.To) && !Has(HeaderName.ResentTo) && !Has(HeaderName.Cc) && !Has(HeaderName.ResentCc))
        {
            WriteLine(service.Config.UndisclosedRecipients);
        }
    }

    private void AddMissingFrom()
    {
        if (mapping is not null)
        {
            mapping.AddMissingFrom(output.Length, resent);
        }
        else
        {
            WriteLine(service.Headers.MissingFrom(resent, service.Envelopes.CompleteSender(request.Sender), request.FullName));
        }
    }

    private bool Has(HeaderName name) => ((seen >> (int)name) & 1) != 0;

    private void WriteLine(string line)
    {
        output.Write(line);
        output.Write(Lf);
    }

    private void WriteLatin1(string text)
    {
        Span<byte> bytes = text.Length <= 1024 ? stackalloc byte[text.Length] : new byte[text.Length];
        Encoding.Latin1.GetBytes(text, bytes);
        output.Write(bytes);
    }

    private void WriteKeptBody()
    {
        if (splitter.HasEnded && !splitter.Kept.IsEmpty)
        {
            output.Write(splitter.Kept);
            if (service.Config.ReplaceStrayCr)
            {
                output.Last(splitter.Kept.Length).Replace((byte)'\r', (byte)' ');
            }
        }

        splitter.Release();
    }
}
