using System.Text;
using Mta.Core.Headers;

namespace Mta.Services.Maps;

/// <summary>What tables say of an address: another one, nothing (null), or that they cannot answer.</summary>
internal readonly record struct MappedAddress(string? Address, bool IsFailed = false);

/// <summary>
/// Replaces addresses of header fields by what tables say of them, which may take time: they are looked up first, then put in place. One
/// serves a message, whose fields often have the same addresses.
/// </summary>
/// <param name="complete">What is made of an address before it is looked up.</param>
/// <param name="map">What the tables say of a complete address.</param>
/// <param name="keepsOthers">An address that no table has stays as it is written, however that is.</param>
/// <param name="stripped">Is told of elements with so much around their address that only the address was left.</param>
internal sealed class MappedHeader(
    CompleteAddress complete, Func<string, CancellationToken, ValueTask<MappedAddress>> map, int tokenLimit = int.MaxValue, bool keepsOthers = false,
    Action<string>? stripped = null)
{
    private readonly Dictionary<string, string?> known = [];

    /// <summary>The field in Latin-1 for bytes, without its line end; no text when it stays as it is.</summary>
    /// <param name="field">Folded lines as they are.</param>
    public async ValueTask<(bool Failed, string? Text)> RewriteAsync(ReadOnlyMemory<byte> field, int nameLength, CancellationToken cancellationToken)
    {
        var name = Encoding.Latin1.GetString(field.Span[..nameLength]);
        var value = Encoding.Latin1.GetString(field.Span[(nameLength + 1)..]);
        var wanted = new List<string>();
        _ = AddressHeader.Rewrite(name, value, Note, tokenLimit);
        foreach (var address in wanted)
        {
            if (address.Length > 0 && !known.ContainsKey(address))
            {
                var mapped = await map(FromLatin1(address), cancellationToken).ConfigureAwait(false);
                if (mapped.IsFailed)
                {
                    return (true, null);
                }

                known[address] = mapped.Address is { } found ? ToLatin1(found) : null;
            }
        }

        return (false, AddressHeader.Rewrite(name, value, Put, tokenLimit, anyIsChange: keepsOthers, stripped));

        string? Note(string address, bool quotedLocalPart)
        {
            if (complete(address, quotedLocalPart) is { } completed)
            {
                wanted.Add(completed);
            }

            return null;
        }

        string? Put(string address, bool quotedLocalPart)
        {
            var completed = complete(address, quotedLocalPart);
            return completed is null ? null : known.GetValueOrDefault(completed) ?? (keepsOthers ? null : completed);
        }
    }

    /// <summary>Header text comes as one character a byte; addresses are looked up as UTF-8.</summary>
    private static string FromLatin1(string text) => Ascii.IsValid(text) ? text : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(text));

    private static string ToLatin1(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
