using Mta.Core.Addresses;

namespace Mta.Services.Local;

internal enum AliasTargetKind : byte
{
    Address,
    /// <summary><c>|command</c></summary>
    Command,
    /// <summary><c>/file/name</c></summary>
    File,
    /// <summary><c>:include:/file/name</c></summary>
    Include,
}

/// <summary>One of the destinations that an alias names, as aliases(5) writes them.</summary>
/// <param name="Text">The address in internal form, or the text as written, without its quotes.</param>
internal readonly record struct AliasTarget(AliasTargetKind Kind, string Text)
{
    /// <summary>Destinations are separated by commas outside of quotes.</summary>
    public static List<AliasTarget> ParseAll(string value)
    {
        var targets = new List<AliasTarget>();
        var start = 0;
        var quoted = false;
        for (var i = 0; i <= value.Length; i++)
        {
            if (i == value.Length || (value[i] == ',' && !quoted))
            {
                if (value.AsSpan(start, i - start).Trim() is { IsEmpty: false } piece)
                {
                    targets.Add(Parse(piece.ToString()));
                }

                start = i + 1;
            }
            else if (value[i] == '\\' && i + 1 < value.Length)
            {
                i++;
            }
            else if (value[i] == '"')
            {
                quoted = !quoted;
            }
        }

        return targets;
    }

    private static AliasTarget Parse(string piece)
    {
        var whole = IsQuotedWhole(piece) ? Unquote(piece) : piece;
        var kind = whole switch
        {
            ['|', ..] => AliasTargetKind.Command,
            ['/', ..] => AliasTargetKind.File,
            _ when whole.StartsWith(":include:", StringComparison.OrdinalIgnoreCase) => AliasTargetKind.Include,
            _ => AliasTargetKind.Address,
        };
        return new AliasTarget(kind, kind == AliasTargetKind.Address ? Address(piece) : whole);
    }

    // A backslash before the name asks for the mailbox and stays; one within quotes only quotes.
    private static string Address(string piece)
    {
        if (piece[^1] == '>' && piece.LastIndexOf('<') is >= 0 and var open)
        {
            piece = piece[(open + 1)..^1].Trim();
        }

        return piece.StartsWith('\\') ? "\\" + AddressQuoting.ToInternal(piece[1..]) : AddressQuoting.ToInternal(piece);
    }

    private static bool IsQuotedWhole(string piece)
    {
        if (piece.Length < 2 || piece[0] != '"')
        {
            return false;
        }

        for (var i = 1; i < piece.Length; i++)
        {
            if (piece[i] == '"')
            {
                return i == piece.Length - 1;
            }

            i += piece[i] == '\\' ? 1 : 0;
        }

        return false;
    }

    private static string Unquote(string quoted)
    {
        var text = new System.Text.StringBuilder(quoted.Length);
        for (var i = 1; i < quoted.Length - 1; i++)
        {
            i += quoted[i] == '\\' ? 1 : 0;
            text.Append(quoted[i]);
        }

        return text.ToString();
    }
}
