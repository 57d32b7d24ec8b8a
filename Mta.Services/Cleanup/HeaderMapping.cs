using System.Text;
using Mta.Core.Headers;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>
/// Header fields of one message whose addresses are to be looked up in tables, which may take time: they stand in the buffer as they came
/// until the header has ended, or a part of the message is to be stored; then they are replaced there.
/// </summary>
internal sealed class HeaderMapping(HeaderRules rules, AddressMappings mappings, string idText, bool localContext)
{
    private readonly List<Field> fields = [];

    private MappedHeader? senders;
    private MappedHeader? recipients;

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
                (var failed, text) = await For(field.Role)
                    .RewriteAsync(buffer.Memory.Slice(field.Start, field.Length), field.NameLength, cancellationToken).ConfigureAwait(false);
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

    private MappedHeader For(AddressRole role) =>
        (role == AddressRole.HeaderSender ? ref senders : ref recipients) ??= new MappedHeader(rules.Completion(localContext), Map(role), rules.TokenLimit, stripped: rules.Stripped);

    private Func<string, CancellationToken, ValueTask<MappedAddress>> Map(AddressRole role) => async (address, cancellationToken) =>
    {
        var mapped = await mappings.MapAsync(idText, address, role, cancellationToken).ConfigureAwait(false);
        return new MappedAddress(mapped, IsFailed: mapped is null);
    };

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

    private static AddressRole RoleOf(HeaderName name) =>
        HeaderNames.HasSenders(name) ? AddressRole.HeaderSender : AddressRole.HeaderRecipient;

    private readonly record struct Field(int Start, int Length, int NameLength, AddressRole Role)
    {
        public bool IsResent { get; init; }
    }
}
