using System.Net;
using Mta.Core.Config;

namespace Mta.Services.Smtp;

/// <summary>The parameters that decide which hosts are tried, in which order, from which address.</summary>
internal sealed class RoutingOptions
{
    public RoutingOptions(Settings settings, bool lmtp)
    {
        T Pick<T>(Parameter<T> forSmtp, Parameter<T> forLmtp) => settings.Get(lmtp ? forLmtp : forSmtp);
        DefaultPort = Pick(Parameters.SmtpTcpPort, Parameters.LmtpTcpPort);
        var protocols = settings.Get(Parameters.InetProtocols);
        UseIPv4 = protocols.Contains("all", StringComparison.Ordinal) || protocols.Contains("ipv4", StringComparison.Ordinal);
        UseIPv6 = protocols.Contains("all", StringComparison.Ordinal) || protocols.Contains("ipv6", StringComparison.Ordinal);
        AddressPreference = Pick(Parameters.SmtpAddressPreference, Parameters.LmtpAddressPreference);
        Balance = Pick(Parameters.SmtpBalanceInetProtocols, Parameters.LmtpBalanceInetProtocols);
        Randomize = Pick(Parameters.SmtpRandomizeAddresses, Parameters.LmtpRandomizeAddresses);
        AddressLimit = Pick(Parameters.SmtpMxAddressLimit, Parameters.LmtpMxAddressLimit);
        SessionLimit = Pick(Parameters.SmtpMxSessionLimit, Parameters.LmtpMxSessionLimit);
        BindIPv4 = ParseAddress(Pick(Parameters.SmtpBindAddress, Parameters.LmtpBindAddress));
        BindIPv6 = ParseAddress(Pick(Parameters.SmtpBindAddress6, Parameters.LmtpBindAddress6));
        EnforceBind = Pick(Parameters.SmtpBindAddressEnforce, Parameters.LmtpBindAddressEnforce);
        FallbackRelay = Pick(Parameters.SmtpFallbackRelay, Parameters.LmtpFallbackRelay);
        DeferIfNoMxAddressFound = Pick(Parameters.SmtpDeferIfNoMxAddressFound, Parameters.LmtpDeferIfNoMxAddressFound);
        IgnoreMxLookupError = settings.Get(Parameters.IgnoreMxLookupError);
        QueueDirectory = settings.Get(Parameters.QueueDirectory);
        var lookups = Pick(Parameters.SmtpHostLookup, Parameters.LmtpHostLookup);
        var dnsOff = settings.Get(Parameters.DisableDnsLookups)
            || Pick(Parameters.SmtpDnsSupportLevel, Parameters.LmtpDnsSupportLevel) == "disabled";
        UseMx = !dnsOff && !lmtp;
        LookUpInDns = !dnsOff && lookups.Contains("dns", StringComparison.Ordinal);
        LookUpNatively = dnsOff || lookups.Contains("native", StringComparison.Ordinal);
    }

    /// <summary>A number or the name of a service.</summary>
    public string DefaultPort { get; }

    public bool UseIPv4 { get; }

    public bool UseIPv6 { get; }

    /// <summary><c>any</c>, <c>ipv4</c> or <c>ipv6</c>.</summary>
    public string AddressPreference { get; }

    public bool Balance { get; }

    public bool Randomize { get; }

    /// <summary>Zero for no limit.</summary>
    public int AddressLimit { get; }

    /// <summary>Zero for no limit; sessions that fail before the end of the handshake do not count.</summary>
    public int SessionLimit { get; }

    public IPAddress? BindIPv4 { get; }

    public IPAddress? BindIPv6 { get; }

    public bool EnforceBind { get; }

    public string FallbackRelay { get; }

    public bool DeferIfNoMxAddressFound { get; }

    public bool IgnoreMxLookupError { get; }

    public string QueueDirectory { get; }

    public bool UseMx { get; }

    public bool LookUpInDns { get; }

    /// <summary>By the system's resolver: /etc/hosts and whatever nsswitch.conf says.</summary>
    public bool LookUpNatively { get; }

    private static IPAddress? ParseAddress(string text) => IPAddress.TryParse(text, out var address) ? address : null;
}
