using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Headers;
using Mta.Services.Checks;
using Mta.Services.Clients;

namespace Mta.Services.Cleanup;

/// <summary>What happens to header fields: addresses made complete, missing fields made.</summary>
internal sealed class HeaderRules
{
    private readonly CleanupConfig config;
    private readonly CompleteAddress completeLocal;
    private readonly CompleteAddress completeRemote;

    // Postfix adds no domain to it.
    private const string NullSenderFrom = "MAILER-DAEMON";

    public HeaderRules(CleanupConfig config, IAddressResolver resolver, MailLog log)
    {
        this.config = config;
        Stripped = text => log.Warning(CleanupService.Tag, $"stripping too many comments from address: {CheckText.Printable(text)}...");
        completeLocal = Completion(resolver, localContext: true);
        completeRemote = Completion(resolver, localContext: false);
    }

    /// <summary>True when headers of this context are completed and added.</summary>
    public bool Rewrites(bool localContext) => localContext || config.RemoteDomainIsGiven;

    /// <summary>The field with its addresses completed, in Latin-1 for bytes; null when it stays as it is.</summary>
    public string? RewriteAddresses(ReadOnlySpan<byte> header, int colon, bool localContext) =>
        AddressHeader.Rewrite(
            Encoding.Latin1.GetString(header[..colon]),
            Encoding.Latin1.GetString(header[(colon + 1)..]),
            Completion(localContext),
            config.HeaderAddressTokenLimit,
            stripped: Stripped);

    /// <summary>Warns of an element with so much around its address that only the address was left.</summary>
    public Action<string> Stripped { get; }

    /// <summary>header_address_token_limit.</summary>
    public int TokenLimit => config.HeaderAddressTokenLimit;

    /// <summary>How addresses of this context are made complete.</summary>
    public CompleteAddress Completion(bool localContext) => localContext ? completeLocal : completeRemote;

    /// <summary>From of RFC 5322 section 3.6.2 for a message that has none.</summary>
    public string MissingFrom(bool resent, string sender, string? fullName)
    {
        var field = resent ? "Resent-From: " : "From: ";
        var address = AddressQuoting.ToExternal(sender.Length == 0 ? NullSenderFrom : sender);
        return string.IsNullOrWhiteSpace(fullName) ? field + address
            : config.NamesAreComments ? $"{field}{address} ({Comment(fullName.Trim())})"
            : $"{field}{Phrase(fullName.Trim())} <{address}>";
    }

    /// <summary>A display name: RFC 2047 for 8-bit text, quotes for what is more than words.</summary>
    private static string Phrase(string name)
    {
        if (!Ascii.IsValid(name))
        {
            return EncodedWord(name);
        }

        return AddressQuoting.IsDotString(name.Replace(" ", "x", StringComparison.Ordinal))
            ? name
            : $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A name behind the address, RFC 5322 section 3.2.2: as it is while its parentheses match.</summary>
    private static string Comment(string name)
    {
        if (!Ascii.IsValid(name))
        {
            return EncodedWord(name);
        }

        var depth = 0;
        foreach (var c in name)
        {
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (depth < 0)
            {
                break;
            }
        }

        return depth == 0 && !name.Contains('\\', StringComparison.Ordinal)
            ? name
            : name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("(", "\\(", StringComparison.Ordinal).Replace(")", "\\)", StringComparison.Ordinal);
    }

    private static string EncodedWord(string text) => $"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";

    private static CompleteAddress Completion(IAddressResolver resolver, bool localContext)
    {
        // What a bare word gets: "@$myorigin" or nothing.
        var suffix = resolver.Rewrite("x", localContext)[1..];
        return (address, quotedLocalPart) =>
            address.Length == 0 ? address
            : quotedLocalPart ? address + suffix
            : resolver.Rewrite(address, localContext);
    }
}
