using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Submission;
using Mta.Services.Clients;

namespace Mta.Services.Maps;

/// <summary>The addresses that the result of an address lookup stands for: what canonical(5), virtual(5) and generic(5) have in common.</summary>
internal static class MappedAddresses
{
    /// <summary>
    /// The addresses of a result, completed; none where it is no address (<see cref="WarnOfNonAddress"/>). <c>@domain</c> keeps the local part of the address that was looked for.
    /// </summary>
    /// <param name="address">What was looked for, in internal form.</param>
    /// <param name="propagate">The extension that the key left out goes into each of them.</param>
    public static List<string> Read(string address, in AddressMatch match, bool propagate, IAddressResolver resolver)
    {
        var value = match.Result.Value;
        if (value is ['@', ..] && value.AsSpan().IndexOfAny(", \t") < 0)
        {
            return [resolver.Rewrite($"{MailAddress.LocalPart(address)}{value}", localContext: true)];
        }

        var listed = AddressList.Read(value);
        var addresses = new List<string>(listed.Count);
        foreach (var (text, quotedLocalPart) in listed)
        {
            // Only without a domain has what was quoted no operators.
            var complete = quotedLocalPart && text.Length > 0 ? text + resolver.Rewrite("x", localContext: true)[1..] : resolver.Rewrite(text, localContext: true);
            addresses.Add(propagate && match.UnmatchedExtension.Length > 0 && complete.Length > 0 ? WithExtension(complete, match.UnmatchedExtension) : complete);
        }

        return addresses;
    }

    /// <summary>A result that stands for no address is an error of the table: it is warned of, and the lookup counts as failed.</summary>
    public static void WarnOfNonAddress(MailLog log, string tag, string name, string address, in AddressMatch match) =>
        log.Warning(tag, $"{name} lookup of {External(address)} returns non-address result \"{match.Result.Value}\"");

    /// <summary>An address as lookups and the log have it.</summary>
    public static string External(string address) => address.Length == 0 ? "\"\"" : AddressQuoting.ToExternal(address);

    /// <summary>propagate_unmatched_extensions has the class.</summary>
    public static bool Propagates(Settings settings, string addressClass)
    {
        foreach (var name in new ListTokens(settings.Get(Parameters.PropagateUnmatchedExtensions)))
        {
            if (name.Equals(addressClass, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static string WithExtension(string address, string extension)
    {
        var localPart = MailAddress.LocalPart(address);
        return $"{localPart}{extension}{address.AsSpan(localPart.Length)}";
    }
}
