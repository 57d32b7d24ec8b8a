using Mta.Core.Addresses;
using Mta.Core.Config;

namespace Mta.Services.TrivialRewrite;

/// <summary>Makes addresses complete: source routes, <c>site!user</c> and <c>user%domain</c> go, the missing domain comes.</summary>
internal sealed class AddressRewriter
{
    private readonly bool swapBangPath;
    private readonly bool percentHack;
    private readonly bool appendDotMydomain;
    private readonly string localOrigin;
    private readonly string localDomain;
    private readonly string remoteDomain;

    public AddressRewriter(Settings settings)
    {
        swapBangPath = settings.Get(Parameters.SwapBangpath);
        percentHack = settings.Get(Parameters.AllowPercentHack);
        appendDotMydomain = settings.Get(Parameters.AppendDotMydomain);
        localOrigin = settings.Get(Parameters.AppendAtMyorigin) ? settings.Get(Parameters.Myorigin) : "";
        localDomain = settings.Get(Parameters.Mydomain);
        remoteDomain = settings.Get(Parameters.RemoteHeaderRewriteDomain);
    }

    /// <param name="address">In internal form; a local part that would need quotes has no routing operators.</param>
    /// <returns>The same string when nothing changes.</returns>
    public string Rewrite(string address, bool localContext)
    {
        var at = address.LastIndexOf('@');
        if (at < 0)
        {
            return address.Length == 0 || !AddressQuoting.IsDotString(address)
                ? Complete(address, -1, localContext)
                : RewriteOperators(address, localContext);
        }

        return address.Length == 1 ? "" : Complete(address, at, localContext);
    }

    /// <summary>The same for an address whose local part is not taken as quoted, whatever it has: what the resolver does with a local part.</summary>
    public string RewriteOperators(string address, bool localContext)
    {
        // RFC 5321 section 4.1.1.3: a source route is accepted and ignored.
        if (address is ['@', ..] && address.IndexOf(':') is > 0 and var colon && colon + 1 < address.Length)
        {
            address = address[(colon + 1)..];
        }

        var at = address.LastIndexOf('@');
        if (at < 0 && swapBangPath && address.IndexOf('!') is >= 0 and var bang)
        {
            at = address.Length - bang - 1;
            address = string.Concat(address.AsSpan(bang + 1), "@", address.AsSpan(0, bang));
        }
        else if (at < 0 && percentHack && (at = address.LastIndexOf('%')) >= 0)
        {
            address = string.Concat(address.AsSpan(0, at), "@", address.AsSpan(at + 1));
        }

        return Complete(address, at, localContext);
    }

    /// <summary>One dot at the end says that a domain is complete and goes; more of them are an error that stays.</summary>
    public static string WithoutTrailingDot(string address) =>
        address is [.., not '.' and not '@', '.'] ? address[..^1] : address;

    private string Complete(string address, int at, bool localContext)
    {
        if (at < 0)
        {
            var origin = localContext ? localOrigin : remoteDomain;
            if (address.Length == 0 || origin.Length == 0)
            {
                return address;
            }

            at = address.Length;
            address = $"{address}@{origin}";
        }

        var domain = address.AsSpan(at + 1);
        if (domain.IsEmpty)
        {
            return address;
        }

        var parent = !appendDotMydomain ? "" : localContext ? localDomain : remoteDomain;
        return parent.Length > 0 && domain[0] != '[' && !domain.Contains('.')
            ? $"{address}.{parent}"
            : WithoutTrailingDot(address);
    }
}
