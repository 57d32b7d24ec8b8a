using System.Text;
using Mta.Core.Headers;

namespace Mta.Services.Cleanup;

/// <summary>
/// Header fields of one message whose addresses are to be looked up in tables, which may take time: they stand in the buffer as they came
/// until the header has ended, or a part of the message is to be stored; then they are replaced there.
/// </summary>
internal sealed class HeaderMapping(HeaderRules rules, AddressMappings mappings, string idText, bool localContext)
{
    private readonly List<Field> fields = [];

    /// <summary>Addresses that were looked up, completed, with what they became; one in To is often in the next field too.</summary>
    private readonly Dictionary<(string Address, AddressRole Role), string> known = [];

    /// <summary>True while fields wait.</summary>
    public bool HasWork => fields.Count > 0;

    /// <summary>A field that was written has bytes above 127.</summary>
    public bool HasEightBit { get; private set; }

    public bool Takes(HeaderName name) => mappings.Has(RoleOf(name));

    /// <summary>The field that was written at <paramref name="start"/> of the buffer, without its line end.</summary>
    public void Add(int start, int length, int nameLength, HeaderName name) => fields.Add(new Field(start, length, nameLength, RoleOf(name)));

    /// <summary>A From that is missing has its place at <paramref name="start"/>.</summary>
    public void AddMissingFrom(int start, bool resent) => fields.Add(new Field(start, 0, 0, AddressRole.None) { IsResent = resent });

    /// <summary>The buffer with its fields replaced; no buffer, after a warning, when a table cannot answer.</summary>
    /// <param name="sender">The envelope sender as it goes into the queue.</param>
    public async ValueTask<ContentBuffer?> ApplyAsync(ContentBuffer buffer, string sender, string? fullName, CancellationToken cancellationToken)
    {
        ContentBuffer output = default;
        var copied = 0;
        var changed = false;
        foreach (var field in fields)
        {
            string? text;
            if (field.Role == AddressRole.None)
            {
                text = rules.MissingFrom(field.IsResent, sender, fullName) + "\n";
            }
            else
            {
                (var failed, text) = await RewriteAsync(buffer.Memory.Slice(field.Start, field.Length), field, cancellationToken).ConfigureAwait(false);
                if (failed)
                {
                    output.Release();
                    return null;
                }
            }

            if (text is not null)
            {
                changed = true;
                output.Write(buffer.Memory.Span[copied..field.Start]);
                WriteField(ref output, text, isLatin1: field.Role != AddressRole.None);
                copied = field.Start + field.Length;
            }
        }

        fields.Clear();
        if (!changed)
        {
            return buffer;
        }

        output.Write(buffer.Memory.Span[copied..]);
        buffer.Release();
        return output;
    }

    private async ValueTask<(bool Failed, string? Text)> RewriteAsync(ReadOnlyMemory<byte> header, Field field, CancellationToken cancellationToken)
    {
        var wanted = new List<string>();
        _ = rules.RewriteAddresses(header.Span, field.NameLength, localContext, complete =>
        {
            wanted.Add(complete);
            return complete;
        });
        foreach (var address in wanted)
        {
            if (address.Length > 0 && !known.ContainsKey((address, field.Role)))
            {
                if (await mappings.MapAsync(idText, FromLatin1(address), field.Role, cancellationToken).ConfigureAwait(false) is not { } mapped)
                {
                    return (true, null);
                }

                known[(address, field.Role)] = ToLatin1(mapped);
            }
        }

        return (false, rules.RewriteAddresses(
            header.Span, field.NameLength, localContext, complete => known.GetValueOrDefault((complete, field.Role), complete)));
    }

    private void WriteField(ref ContentBuffer output, string text, bool isLatin1)
    {
        HasEightBit |= !Ascii.IsValid(text);
        if (isLatin1)
        {
            output.Write(Encoding.Latin1.GetBytes(text));
        }
        else
        {
            output.Write(text);
        }
    }

    /// <summary>Header text comes as one character a byte; addresses are looked up as UTF-8.</summary>
    private static string FromLatin1(string text) => Ascii.IsValid(text) ? text : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(text));

    private static string ToLatin1(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static AddressRole RoleOf(HeaderName name) =>
        HeaderNames.HasSenders(name) ? AddressRole.HeaderSender : AddressRole.HeaderRecipient;

    private readonly record struct Field(int Start, int Length, int NameLength, AddressRole Role)
    {
        public bool IsResent { get; init; }
    }
}
