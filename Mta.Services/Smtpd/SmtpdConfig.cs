using System.Net;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Smtpd.Restrictions;
using Mta.Services.Tls;

namespace Mta.Services.Smtpd;

/// <summary>smtpd_forbid_bare_newline.</summary>
internal enum BareNewlinePolicy : byte
{
    No,
    Normalize,
    Note,
    Reject,
}

/// <summary>A snapshot as the sessions read it: parsed values, opened tables, compiled restrictions, loaded certificates.</summary>
internal sealed class SmtpdConfig
{
    /// <exception cref="SmtpdConfigException">The configuration cannot be used.</exception>
    public SmtpdConfig(SmtpdSnapshot snapshot, TableRegistry tables)
    {
        var settings = snapshot.Settings;
        Snapshot = snapshot;
        Resolver = snapshot.Resolver;
        OwnAddresses = Net.OwnAddresses.From(settings);
        Addresses = new MailAddressContext(
            ExtensionRules.From(settings),
            new LocalDomains(
                tables.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings),
                settings.Get(Parameters.Myorigin),
                OwnAddresses));
        Hostname = settings.Get(Parameters.Myhostname);
        MailName = settings.Get(Parameters.MailName);
        Banner = new ServerReply("220 " + settings.Get(Parameters.SmtpdBanner));
        HeloOk = new ServerReply("250 " + Hostname);
        TooManyErrors = new ServerReply($"421 4.7.0 {Hostname} Error: too many errors");
        TimeoutExceeded = new ServerReply($"421 4.4.2 {Hostname} Error: timeout exceeded");
        CommandTooLong = new ServerReply($"500 5.5.2 {Hostname} Error: command too long");
        LocalDataError = new ServerReply($"421 4.3.0 {Hostname} Server local data error");
        ShuttingDown = new ServerReply($"421 4.3.2 {Hostname} Service not available, closing transmission channel");
        Drained = new ServerReply($"421 4.3.2 {Hostname} Service not available: this server is drained for maintenance, try again later or another server");

        Timeout = settings.Get(Parameters.SmtpdTimeout);
        StartTlsTimeout = settings.Get(Parameters.SmtpdStarttlsTimeout);
        ErrorSleepTime = settings.Get(Parameters.SmtpdErrorSleepTime);
        SoftErrorLimit = settings.Get(Parameters.SmtpdSoftErrorLimit);
        HardErrorLimit = settings.Get(Parameters.SmtpdHardErrorLimit);
        JunkCommandLimit = settings.Get(Parameters.SmtpdJunkCommandLimit);
        LineLengthLimit = settings.Get(Parameters.LineLengthLimit);
        MessageSizeLimit = settings.Get(Parameters.MessageSizeLimit);
        RecipientLimit = settings.Get(Parameters.SmtpdRecipientLimit);
        RecipientOvershootLimit = settings.Get(Parameters.SmtpdRecipientOvershootLimit);

        HeloRequired = settings.Get(Parameters.SmtpdHeloRequired);
        VrfyDisabled = settings.Get(Parameters.DisableVrfyCommand);
        StrictEnvelopes = settings.Get(Parameters.StrictRfc821Envelopes);
        SmtpUtf8Enable = settings.Get(Parameters.Smtputf8Enable);
        StrictSmtpUtf8 = settings.Get(Parameters.StrictSmtputf8);
        HideClientSession = settings.Get(Parameters.SmtpdHideClientSession);
        ForbidUnauthPipelining = settings.Get(Parameters.SmtpdForbidUnauthPipelining);
        SoftBounce = settings.Get(Parameters.SoftBounce);
        PeernameLookup = settings.Get(Parameters.SmtpdPeernameLookup);
        LogClientPort = settings.Get(Parameters.SmtpdClientPortLogging);
        DelayReject = settings.Get(Parameters.SmtpdDelayReject);

        BareNewline = settings.Get(Parameters.SmtpdForbidBareNewline).ToLowerInvariant() switch
        {
            "no" => BareNewlinePolicy.No,
            "reject" => BareNewlinePolicy.Reject,
            "note" => BareNewlinePolicy.Note,
            "yes" or "normalize" => BareNewlinePolicy.Normalize,
            var other => throw new SmtpdConfigException($"bad configuration: smtpd_forbid_bare_newline = {other}"),
        };
        var bareLfCode = settings.Get(Parameters.SmtpdForbidBareNewlineRejectCode);
        BareLfReceived = new ServerReply($"{bareLfCode} 5.5.2 {Hostname} Error: bare <LF> received");
        BareNewlineExclusions = tables.OpenList(settings, Parameters.SmtpdForbidBareNewlineExclusions, MatchListKind.NamesAndAddresses);
        ForbiddenCommands = new CommandPatterns(settings.Get(Parameters.SmtpdForbiddenCommands));
        NoopCommands = new CommandPatterns(settings.Get(Parameters.SmtpdNoopCommands));

        ConnectionCountLimit = settings.Get(Parameters.SmtpdClientConnectionCountLimit);
        Ipv4PrefixLength = settings.Get(Parameters.SmtpdClientIpv4PrefixLength);
        Ipv6PrefixLength = settings.Get(Parameters.SmtpdClientIpv6PrefixLength);
        EventLimitExceptions = tables.OpenList(settings, Parameters.SmtpdClientEventLimitExceptions, MatchListKind.NamesAndAddresses);
        MyNetworks = tables.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses);
        XclientHosts = tables.OpenList(settings, Parameters.SmtpdAuthorizedXclientHosts, MatchListKind.NamesAndAddresses);
        XforwardHosts = tables.OpenList(settings, Parameters.SmtpdAuthorizedXforwardHosts, MatchListKind.NamesAndAddresses);
        LocalClients = new LocalRewriteClients(settings, tables);
        var protocols = settings.Get(Parameters.InetProtocols).ToLowerInvariant();
        TakesIpv6 = Contains(protocols, "ipv6") || Contains(protocols, "all");
        AuthenticatedHeader = settings.Get(Parameters.SmtpdSaslAuthenticatedHeader);
        AccessMatchesSubdomains = Contains(settings.Get(Parameters.ParentDomainMatchesSubdomains), "smtpd_access_maps");

        Overrides = ReceiveOverrides.From(settings);
        if (Overrides.Unknown is { } unknown)
        {
            throw new SmtpdConfigException(unknown);
        }

        Tls = ServerTls.Load(settings);
        Keywords = new EhloKeywords(settings, tables, Hostname, MessageSizeLimit, Tls);
        UnlistedRecipients = new UnlistedRecipients(this, tables);
        DnsRules = new DnsRules(settings, tables);
        Restrictions = new RestrictionLists(settings, tables);
        LoggedPermits = tables.OpenList(settings, Parameters.SmtpdLogAccessPermitActions, MatchListKind.Strings);
    }

    public SmtpdSnapshot Snapshot { get; }

    public IAddressResolver Resolver { get; }

    /// <summary>inet_interfaces and proxy_interfaces.</summary>
    public IReadOnlyCollection<IPAddress> OwnAddresses { get; }

    /// <summary>How recipient and access tables are asked.</summary>
    public MailAddressContext Addresses { get; }

    public string Hostname { get; }

    public string MailName { get; }

    public ServerReply Banner { get; }

    public ServerReply HeloOk { get; }

    public ServerReply TooManyErrors { get; }

    public ServerReply TimeoutExceeded { get; }

    public ServerReply CommandTooLong { get; }

    public ServerReply LocalDataError { get; }

    public ServerReply ShuttingDown { get; }

    public ServerReply Drained { get; }

    public ServerReply BareLfReceived { get; }

    public TimeSpan Timeout { get; }

    public TimeSpan StartTlsTimeout { get; }

    public TimeSpan ErrorSleepTime { get; }

    public int SoftErrorLimit { get; }

    public int HardErrorLimit { get; }

    public int JunkCommandLimit { get; }

    /// <summary>Bytes of a command line, without its line end.</summary>
    public int LineLengthLimit { get; }

    /// <summary>Bytes as on the wire; 0 for no limit.</summary>
    public long MessageSizeLimit { get; }

    public int RecipientLimit { get; }

    public int RecipientOvershootLimit { get; }

    public bool HeloRequired { get; }

    public bool VrfyDisabled { get; }

    public bool StrictEnvelopes { get; }

    public bool SmtpUtf8Enable { get; }

    public bool StrictSmtpUtf8 { get; }

    public bool HideClientSession { get; }

    public bool ForbidUnauthPipelining { get; }

    public bool SoftBounce { get; }

    public bool PeernameLookup { get; }

    public bool LogClientPort { get; }

    public bool DelayReject { get; }

    public BareNewlinePolicy BareNewline { get; }

    public ListMatcher BareNewlineExclusions { get; }

    public CommandPatterns ForbiddenCommands { get; }

    public CommandPatterns NoopCommands { get; }

    public int ConnectionCountLimit { get; }

    public int Ipv4PrefixLength { get; }

    public int Ipv6PrefixLength { get; }

    public ListMatcher EventLimitExceptions { get; }

    public ListMatcher MyNetworks { get; }

    public ListMatcher XclientHosts { get; }

    public ListMatcher XforwardHosts { get; }

    public LocalRewriteClients LocalClients { get; }

    /// <summary>inet_protocols has IPv6: an address of it can be a client's.</summary>
    public bool TakesIpv6 { get; }

    /// <summary>smtpd_sasl_authenticated_header.</summary>
    public bool AuthenticatedHeader { get; }

    /// <summary>
    /// parent_domain_matches_subdomains names smtpd_access_maps: <c>domain</c> in an access table is for its subdomains too.
    /// </summary>
    public bool AccessMatchesSubdomains { get; }

    /// <summary>receive_override_options and content_filter.</summary>
    public ReceiveOverrides Overrides { get; }

    public ServerTls Tls { get; }

    public EhloKeywords Keywords { get; }

    public UnlistedRecipients UnlistedRecipients { get; }

    public DnsRules DnsRules { get; }

    public RestrictionLists Restrictions { get; }

    /// <summary>smtpd_log_access_permit_actions.</summary>
    public ListMatcher LoggedPermits { get; }

    private static bool Contains(string list, string name)
    {
        foreach (var token in new ListTokens(list))
        {
            if (token.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    public bool IsOwnAddress(IPAddress address) => OwnAddresses.Contains(address);
}

/// <summary>The configuration of an SMTP server cannot be used; the text says which parameter and why.</summary>
public sealed class SmtpdConfigException(string message) : Exception(message);
