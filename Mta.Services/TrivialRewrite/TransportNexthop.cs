namespace Mta.Services.TrivialRewrite;

/// <summary><c>transport:nexthop</c> as parameters and transport(5) tables write it; either part may be empty.</summary>
internal readonly record struct TransportNexthop(string Transport, string Nexthop)
{
    public static TransportNexthop Parse(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        var colon = text.IndexOf(':');
        return colon < 0
            ? new TransportNexthop(text.ToString(), "")
            : new TransportNexthop(text[..colon].Trim().ToString(), text[(colon + 1)..].Trim().ToString());
    }
}
