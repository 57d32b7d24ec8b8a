using System.Buffers;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>The form of a host name (RFC 1123 section 2.1, with the underscore that Postfix allows too).</summary>
internal static class HostNames
{
    private static readonly SearchValues<char> Numeric = SearchValues.Create("0123456789.");

    public static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > 255)
        {
            return false;
        }

        foreach (var range in name.Split('.'))
        {
            var label = name[range];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_') && c < 128)
                {
                    return false;
                }
            }
        }

        return name.ContainsAnyExcept(Numeric);
    }

    public static bool IsFullyQualified(ReadOnlySpan<char> name)
    {
        name = name.TrimEnd('.');
        return name.Contains('.') && IsValid(name);
    }
}
