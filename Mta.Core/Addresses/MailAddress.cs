namespace Mta.Core.Addresses;

/// <summary>The parts of an address in internal (unquoted) form: the domain begins after the last <c>@</c>.</summary>
public static class MailAddress
{
    /// <summary>What stands before the last <c>@</c>; all of it when there is none.</summary>
    public static ReadOnlySpan<char> LocalPart(ReadOnlySpan<char> address)
    {
        var at = address.LastIndexOf('@');
        return at < 0 ? address : address[..at];
    }

    /// <summary>What stands after the last <c>@</c>; empty when there is none.</summary>
    public static ReadOnlySpan<char> Domain(ReadOnlySpan<char> address)
    {
        var at = address.LastIndexOf('@');
        return at < 0 ? [] : address[(at + 1)..];
    }

    public static bool HasDomain(ReadOnlySpan<char> address) => address.LastIndexOf('@') >= 0;
}
