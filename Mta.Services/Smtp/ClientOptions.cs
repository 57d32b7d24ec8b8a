using System.Runtime.CompilerServices;
using Mta.Core.Config;
using Mta.Services.Tls;

namespace Mta.Services.Smtp;

/// <summary>The parameters that smtp(8) and lmtp(8) read, under either name, read once for each snapshot of the configuration.</summary>
internal sealed class ClientOptions
{
    private static readonly ConditionalWeakTable<Settings, ClientOptions> SmtpOptions = [];
    private static readonly ConditionalWeakTable<Settings, ClientOptions> LmtpOptions = [];

    private ClientOptions(Settings settings, bool lmtp)
    {
        T Pick<T>(Parameter<T> forSmtp, Parameter<T> forLmtp) => settings.Get(lmtp ? forLmtp : forSmtp);
        Settings = settings;
        IsLmtp = lmtp;
        ConnectTimeout = Pick(Parameters.SmtpConnectTimeout, Parameters.LmtpConnectTimeout);
        HeloTimeout = Pick(Parameters.SmtpHeloTimeout, Parameters.LmtpLhloTimeout);
        MailTimeout = Pick(Parameters.SmtpMailTimeout, Parameters.LmtpMailTimeout);
        RcptTimeout = Pick(Parameters.SmtpRcptTimeout, Parameters.LmtpRcptTimeout);
        DataInitTimeout = Pick(Parameters.SmtpDataInitTimeout, Parameters.LmtpDataInitTimeout);
        DataTransferTimeout = Pick(Parameters.SmtpDataXferTimeout, Parameters.LmtpDataXferTimeout);
        DataDoneTimeout = Pick(Parameters.SmtpDataDoneTimeout, Parameters.LmtpDataDoneTimeout);
        ResetTimeout = Pick(Parameters.SmtpRsetTimeout, Parameters.LmtpRsetTimeout);
        QuitTimeout = Pick(Parameters.SmtpQuitTimeout, Parameters.LmtpQuitTimeout);
        StartTlsTimeout = Pick(Parameters.SmtpStarttlsTimeout, Parameters.LmtpStarttlsTimeout);
        HeloName = Pick(Parameters.SmtpHeloName, Parameters.LmtpLhloName);
        AlwaysSendEhlo = settings.Get(Parameters.SmtpAlwaysSendEhlo);
        NeverSendEhlo = settings.Get(Parameters.SmtpNeverSendEhlo);
        DiscardedKeywords = Pick(Parameters.SmtpDiscardEhloKeywords, Parameters.LmtpDiscardLhloKeywords)
            .Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries);
        Skip5xxGreeting = Pick(Parameters.SmtpSkip5xxGreeting, Parameters.LmtpSkip5xxGreeting);
        LineLengthLimit = Pick(Parameters.SmtpLineLengthLimit, Parameters.LmtpLineLengthLimit);
        QuoteEnvelope = Pick(Parameters.SmtpQuoteRfc821Envelope, Parameters.LmtpQuoteRfc821Envelope);
        ConvertEightBit = !settings.Get(Parameters.DisableMimeOutputConversion);
        MimeNestingLimit = settings.Get(Parameters.MimeNestingLimit);
        var keep = Pick(Parameters.SmtpConnectionCacheOnDemand, Parameters.LmtpConnectionCacheOnDemand)
            || Pick(Parameters.SmtpConnectionCacheDestinations, Parameters.LmtpConnectionCacheDestinations).Length > 0;
        CacheTimeLimit = keep ? Pick(Parameters.SmtpConnectionCacheTimeLimit, Parameters.LmtpConnectionCacheTimeLimit) : TimeSpan.Zero;
        ReuseCountLimit = Pick(Parameters.SmtpConnectionReuseCountLimit, Parameters.LmtpConnectionReuseCountLimit);
        ReuseTimeLimit = Pick(Parameters.SmtpConnectionReuseTimeLimit, Parameters.LmtpConnectionReuseTimeLimit);
        AssumeFinal = lmtp && settings.Get(Parameters.LmtpAssumeFinal);
        MyHostname = settings.Get(Parameters.Myhostname);
        Routing = new RoutingOptions(settings, lmtp);
        Tls = ClientTlsOptions.From(settings, lmtp);
    }

    public Settings Settings { get; }

    public bool IsLmtp { get; }

    /// <summary>Zero for the system's own.</summary>
    public TimeSpan ConnectTimeout { get; }

    public TimeSpan HeloTimeout { get; }

    public TimeSpan MailTimeout { get; }

    public TimeSpan RcptTimeout { get; }

    public TimeSpan DataInitTimeout { get; }

    /// <summary>For each piece of the message.</summary>
    public TimeSpan DataTransferTimeout { get; }

    public TimeSpan DataDoneTimeout { get; }

    public TimeSpan ResetTimeout { get; }

    public TimeSpan QuitTimeout { get; }

    public TimeSpan StartTlsTimeout { get; }

    public string HeloName { get; }

    public bool AlwaysSendEhlo { get; }

    public bool NeverSendEhlo { get; }

    public IReadOnlyList<string> DiscardedKeywords { get; }

    public bool Skip5xxGreeting { get; }

    public int LineLengthLimit { get; }

    public bool QuoteEnvelope { get; }

    public bool ConvertEightBit { get; }

    public int MimeNestingLimit { get; }

    /// <summary>How long a connection waits for its next use; zero to keep none. "On demand" is always: whoever finds one idle uses it.</summary>
    public TimeSpan CacheTimeLimit { get; }

    /// <summary>Zero for no limit.</summary>
    public int ReuseCountLimit { get; }

    public TimeSpan ReuseTimeLimit { get; }

    /// <summary>Delivery to this LMTP server is final: a success is reported as delivered, not as relayed.</summary>
    public bool AssumeFinal { get; }

    public string MyHostname { get; }

    public RoutingOptions Routing { get; }

    public ClientTlsOptions Tls { get; }

    public static ClientOptions Of(Settings settings, bool lmtp)
    {
        var table = lmtp ? LmtpOptions : SmtpOptions;
        return table.TryGetValue(settings, out var known) ? known : table.GetValue(settings, key => new ClientOptions(key, lmtp));
    }
}
