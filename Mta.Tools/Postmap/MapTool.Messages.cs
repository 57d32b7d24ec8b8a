using System.Buffers;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Mime;

namespace Mta.Tools.Postmap;

/// <summary>Keys from a message on standard input, as cleanup(8) makes them for header_checks and body_checks (-h, -b, -m).</summary>
internal sealed partial class MapTool
{
    private const int ReadSize = 65536;

    private async Task<bool> QueryMessageAsync(CancellationToken cancellationToken)
    {
        var tables = new List<Find>();
        foreach (var table in options.Tables)
        {
            tables.Add(await OpenAsync(Reference(table), bytes: true, cancellationToken).ConfigureAwait(false));
        }

        // A key is a whole line however long it is: cutting it is left to cleanup.
        var reader = new MimeReader(new MimeOptions
        {
            IsDisabled = !options.Mime,
            LineLengthLimit = int.MaxValue,
            HeaderSizeLimit = settings.Get(Parameters.HeaderSizeLimit),
            NestingLimit = settings.Get(Parameters.MimeNestingLimit),
            BoundaryLengthLimit = settings.Get(Parameters.MimeBoundaryLengthLimit),
        });
        var found = false;
        var output = new ArrayBufferWriter<byte>();
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        for (var isLast = false; !isLast;)
        {
            var count = await terminal.Input.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            isLast = count == 0;
            reader.Append(buffer.AsSpan(0, count));
            if (isLast)
            {
                reader.Complete();
            }

            for (var item = reader.Read(); item != MimeItem.None; item = reader.Read())
            {
                if (item == MimeItem.Header ? options.HeaderKeys : item == MimeItem.Body && options.BodyKeys)
                {
                    found |= await QueryBytesAsync(tables, reader.Text, output, cancellationToken).ConfigureAwait(false);
                }
            }

            terminal.Output.Write(output.WrittenSpan);
            output.ResetWrittenCount();
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return found;
    }

    private async Task<bool> QueryBytesAsync(
        List<Find> tables, ReadOnlyMemory<byte> text, ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        var key = Encoding.Latin1.GetString(text.Span);
        foreach (var find in tables)
        {
            if (await find(key, cancellationToken).ConfigureAwait(false) is { } value)
            {
                output.Write(text.Span);
                output.Write("\t"u8);
                output.Write(Encoding.Latin1.GetBytes(value));
                output.Write("\n"u8);
                return true;
            }
        }

        return false;
    }
}
