using System.Buffers;
using System.Text;
using Mta.Core.Headers;
using Mta.Core.Mime;
using Mta.Services.Checks;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtp;

/// <summary>
/// Changes the content of one message on its way out: header and body checks first, then generic(5) maps for the addresses of its own
/// header. What no rule is about goes out as it is in the queue.
/// </summary>
internal sealed class ContentRewriter
{
    private readonly OutputRules rules;
    private readonly MimeReader reader;
    private readonly bool converted;
    private readonly OutputChecks? checks;
    private readonly MappedHeader? generic;

    /// <summary>The rest is body that nothing is looked for in.</summary>
    private bool inBulk;

    /// <param name="converted">The content has been converted to 7 bits.</param>
    public ContentRewriter(OutputRules rules, bool converted, DeliveryRequest request, MailLog log)
    {
        this.rules = rules;
        this.converted = converted;
        reader = new MimeReader(rules.Mime);
        checks = rules.HasChecks ? new OutputChecks(request, log) : null;
        generic = rules.Generic is { } maps
            ? new MappedHeader(
                (address, _) => address, (address, cancellationToken) => maps.FindAsync(request.LogTag, address, cancellationToken), keepsOthers: true,
                stripped: text => log.Warning(request.LogTag, $"stripping too many comments from address: {CheckText.Printable(text)}..."))
            : null;
    }

    /// <summary>Takes a piece of content, and puts out what can be; false, after a warning, when a table cannot answer.</summary>
    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> content, ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        if (inBulk)
        {
            output.Write(content.Span);
            return true;
        }

        reader.Append(content.Span);
        return await RunAsync(output, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The content has ended.</summary>
    public ValueTask<bool> CompleteAsync(ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        reader.Complete();
        return RunAsync(output, cancellationToken);
    }

    private async ValueTask<bool> RunAsync(ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        while (!inBulk)
        {
            switch (reader.Read())
            {
                case MimeItem.Header:
                    if (!await HeaderAsync(output, cancellationToken).ConfigureAwait(false))
                    {
                        return false;
                    }

                    break;
                case MimeItem.Body:
                    if (!await BodyAsync(output, cancellationToken).ConfigureAwait(false))
                    {
                        return false;
                    }

                    if (checks is null)
                    {
                        inBulk = true;
                        output.Write(reader.TakeRest());
                    }

                    break;
                case MimeItem.None:
                    return true;
            }
        }

        return true;
    }

    private async ValueTask<bool> HeaderAsync(ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        var field = reader.Text;
        var isPrimary = reader.Class == HeaderClass.Primary;
        var tables = rules.For(converted ? reader.ConvertedClass : reader.Class);
        if (checks is not null && !tables.IsEmpty)
        {
            var result = await checks.AskAsync(tables, "header", field, output, cancellationToken).ConfigureAwait(false);
            if (result.IsFailed || result.Text is not { } text)
            {
                return !result.IsFailed;
            }

            isPrimary &= SameName(field.Span, text.Span);
            field = text;
        }

        if (generic is not null && isPrimary && HeaderSyntax.NameLength(field.Span, out _) is > 0 and var length
            && HeaderNames.HasAddresses(HeaderNames.Find(field.Span[..length])))
        {
            var (failed, rewritten) = await generic.RewriteAsync(field, length, cancellationToken).ConfigureAwait(false);
            if (failed)
            {
                return false;
            }

            field = rewritten is null ? field : Encoding.Latin1.GetBytes(rewritten);
        }

        output.Write(field.Span);
        output.Write("\n"u8);
        return true;
    }

    private async ValueTask<bool> BodyAsync(ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        var line = reader.Text;
        var ends = reader.EndsLine;
        if (checks is not null && !rules.Body.IsEmpty)
        {
            var result = await checks.AskAsync(rules.Body, "body", line, output, cancellationToken).ConfigureAwait(false);
            if (result.IsFailed || result.Text is not { } text)
            {
                return !result.IsFailed;
            }

            line = text;
        }

        output.Write(line.Span);
        if (ends)
        {
            output.Write("\n"u8);
        }

        return true;
    }

    private static bool SameName(ReadOnlySpan<byte> field, ReadOnlySpan<byte> other) =>
        HeaderSyntax.NameLength(field, out _) is var length && length == HeaderSyntax.NameLength(other, out _)
        && Ascii.EqualsIgnoreCase(field[..length], other[..length]);
}
