using System.Buffers;

namespace Mta.Core.Addresses;

/// <summary>
/// Converts addresses between the internal form (unquoted, as the program keeps them) and the external form that headers, SMTP commands
/// and lookup keys use, where a local part that is not a dot-string of RFC 5321 section 4.1.2 stands in double quotes.
/// </summary>
public static class AddressQuoting
{
    /// <summary>Characters that no atom has: the specials of RFC 5322 section 3.2.3, space and controls. 8-bit text is left alone.</summary>
    private static readonly SearchValues<char> NotInAtom = SearchValues.Create(
        "()<>@,;:\\\"[] \u007f" + string.Concat(Enumerable.Range(0, 32).Select(c => (char)c)));

    /// <summary>Characters that need a backslash within quotes.</summary>
    private static readonly SearchValues<char> Escaped = SearchValues.Create("\"\\\r\n");

    /// <summary>The external form; the same string when nothing needs quotes. The null address stays empty.</summary>
    public static string ToExternal(string address)
    {
        if (address.Length == 0)
        {
            return address;
        }

        var localPart = MailAddress.LocalPart(address);
        if (IsDotString(localPart))
        {
            return address;
        }

        var escapes = 0;
        foreach (var c in localPart)
        {
            escapes += Escaped.Contains(c) ? 1 : 0;
        }

        return string.Create(address.Length + 2 + escapes, (address, localLength: localPart.Length), static (target, state) =>
        {
            var at = 0;
            target[at++] = '"';
            foreach (var c in state.address.AsSpan(0, state.localLength))
            {
                if (Escaped.Contains(c))
                {
                    target[at++] = '\\';
                }

                target[at++] = c;
            }

            target[at++] = '"';
            state.address.AsSpan(state.localLength).CopyTo(target[at..]);
        });
    }

    /// <summary>The internal form: quotes and backslashes before the last <c>@</c> are taken away; the same string when there are none.</summary>
    public static string ToInternal(string address)
    {
        var localPart = MailAddress.LocalPart(address);
        if (localPart.IndexOfAny('"', '\\') < 0)
        {
            return address;
        }

        var buffer = ArrayPool<char>.Shared.Rent(address.Length);
        var length = 0;
        for (var i = 0; i < localPart.Length; i++)
        {
            var c = localPart[i];
            if (c == '"' || (c == '\\' && ++i == localPart.Length))
            {
                continue;
            }

            buffer[length++] = localPart[i];
        }

        var domain = address.AsSpan(localPart.Length);
        domain.CopyTo(buffer.AsSpan(length));
        var result = new string(buffer, 0, length + domain.Length);
        ArrayPool<char>.Shared.Return(buffer);
        return result;
    }

    /// <summary>True for atoms separated by single dots (dot-string of RFC 5321 section 4.1.2).</summary>
    public static bool IsDotString(ReadOnlySpan<char> localPart) =>
        localPart.Length > 0
        && localPart[0] != '.'
        && localPart[^1] != '.'
        && !localPart.ContainsAny(NotInAtom)
        && localPart.IndexOf("..", StringComparison.Ordinal) < 0;
}
