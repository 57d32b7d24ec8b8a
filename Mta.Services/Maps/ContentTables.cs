using System.Text;
using Mta.Core.Lookup;
using Mta.Services.Checks;

namespace Mta.Services.Maps;

/// <summary>
/// Tables that are asked with pieces of messages, such as header_checks. Keys and results are bytes, each a character (Latin-1): a message
/// need not be UTF-8, and what a rule puts into it must come out byte by byte.
/// </summary>
public sealed class ContentTables(IReadOnlyList<(ILookupTable Table, bool TakesBytes)> tables)
{
    private readonly (ILookupTable Table, bool TakesBytes)[] tables = [.. tables];

    public bool IsEmpty => tables.Length == 0;

    /// <summary>The first answer of any table; an empty key is never found.</summary>
    public async ValueTask<LookupResult> FindAsync(string bytes, CancellationToken cancellationToken)
    {
        if (bytes.Length == 0)
        {
            return LookupResult.NotFound;
        }

        foreach (var (table, takesBytes) in tables)
        {
            var result = await FindAsync(table, takesBytes, bytes, cancellationToken).ConfigureAwait(false);
            if (result.IsFound && result.Value.Length == 0)
            {
                return LookupResult.Failed($"{table.Reference} lookup returns an empty string result");
            }

            if (result.IsFailed)
            {
                return result.FailedAt($"{table.Reference} lookup error for \"{CheckText.Printable(bytes).Replace('\n', '?').Replace('\t', '?')}\"");
            }

            if (result.IsFound)
            {
                return result;
            }
        }

        return LookupResult.NotFound;
    }

    /// <summary>The answer of one table: other tables than patterns have text.</summary>
    internal static async ValueTask<LookupResult> FindAsync(
        ILookupTable table, bool takesBytes, string bytes, CancellationToken cancellationToken)
    {
        var plain = takesBytes || Ascii.IsValid(bytes);
        var key = plain ? bytes : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
        var result = await table.FindAsync(key, cancellationToken).ConfigureAwait(false);
        return takesBytes || !result.IsFound || Ascii.IsValid(result.Value)
            ? result
            : LookupResult.Found(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(result.Value)));
    }
}
