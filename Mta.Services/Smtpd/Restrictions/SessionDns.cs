using System.Net;
using Mta.Core.Addresses;
using Mta.Services.Dns;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>What the hosts file or the DNS said of a host: its addresses, or the reason why there are none in the words of getaddrinfo(3).</summary>
internal readonly record struct HostAddresses(IReadOnlyList<IPAddress> Addresses, string? Error);

/// <summary>
/// The DNS as one session asks it: a question that was answered is not asked again, however many recipients the same restrictions are asked
/// for. A failure holds for the message under way.
/// </summary>
internal sealed class SessionDns(IDnsResolver resolver, HostsFile hosts)
{
    /// <summary>A client that names a new domain with each message must not fill the memory.</summary>
    private const int MostAnswers = 500;

    private readonly Dictionary<Question, object> answers = [];
    private readonly HashSet<Question> failures = [];
    private readonly HashSet<string> reported = new(StringComparer.OrdinalIgnoreCase);

    private enum RecordType : byte
    {
        A,
        Aaaa,
        Mx,
        Ns,
        Txt,
    }

    /// <summary>The words of the system's resolver for an answer without records.</summary>
    public static string ErrorText(DnsStatus status) => status switch
    {
        DnsStatus.TryAgain => "Host not found, try again",
        DnsStatus.NoData => "Host found but no data record of requested type",
        _ => "Host not found",
    };

    public ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string name, bool ipv6, CancellationToken cancellationToken) => ipv6
        ? AskAsync(new Question(RecordType.Aaaa, name), static (r, n, c) => r.FindAddressesAsync(n, true, c), cancellationToken)
        : AskAsync(new Question(RecordType.A, name), static (r, n, c) => r.FindAddressesAsync(n, false, c), cancellationToken);

    public ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string name, CancellationToken cancellationToken) =>
        AskAsync(new Question(RecordType.Mx, name), static (r, n, c) => r.FindMailExchangersAsync(n, c), cancellationToken);

    public ValueTask<DnsAnswer<string>> FindNameServersAsync(string name, CancellationToken cancellationToken) =>
        AskAsync(new Question(RecordType.Ns, name), static (r, n, c) => r.FindNameServersAsync(n, c), cancellationToken);

    public ValueTask<DnsAnswer<string>> FindTextsAsync(string name, CancellationToken cancellationToken) =>
        AskAsync(new Question(RecordType.Txt, name), static (r, n, c) => r.FindTextsAsync(n, c), cancellationToken);

    /// <summary>The addresses of a host, or the address that the name itself is.</summary>
    public async ValueTask<HostAddresses> FindHostAsync(string name, DnsRules rules, CancellationToken cancellationToken)
    {
        if (HostnameSyntax.IsAddress(name))
        {
            return new([IPAddress.Parse(name)], null);
        }

        name = name.EndsWith('.') ? name[..^1] : name;
        if (hosts.AddressesOf(name) is { Count: > 0 } known)
        {
            return new(known, null);
        }

        var v4 = rules.UseIPv4 ? await FindAddressesAsync(name, ipv6: false, cancellationToken).ConfigureAwait(false) : new(DnsStatus.NoData);
        var v6 = rules.UseIPv6 && v4.Status != DnsStatus.NotFound
            ? await FindAddressesAsync(name, ipv6: true, cancellationToken).ConfigureAwait(false)
            : new(v4.Status);
        if (v4.Status == DnsStatus.Found || v6.Status == DnsStatus.Found)
        {
            return new([.. v4.Records, .. v6.Records], null);
        }

        return new([], v4.Status == DnsStatus.TryAgain || v6.Status == DnsStatus.TryAgain ? "Temporary failure in name resolution"
            : v4.Status == DnsStatus.NoData || v6.Status == DnsStatus.NoData ? "No address associated with hostname"
            : "Name or service not known");
    }

    /// <summary>True once for a failure that is to be logged once a message.</summary>
    public bool Report(string failure) => reported.Add(failure);

    /// <summary>A new message: what failed is asked again.</summary>
    public void ForgetFailures()
    {
        foreach (var question in failures)
        {
            answers.Remove(question);
        }

        failures.Clear();
        reported.Clear();
    }

    private async ValueTask<DnsAnswer<T>> AskAsync<T>(
        Question question, Func<IDnsResolver, string, CancellationToken, ValueTask<DnsAnswer<T>>> ask, CancellationToken cancellationToken)
    {
        if (answers.TryGetValue(question, out var known))
        {
            return (DnsAnswer<T>)known;
        }

        // What cannot be the name of a host is not asked for; a final dot is no part of one.
        var answer = HostnameSyntax.IsHostname(question.Name)
            ? await ask(resolver, question.Name, cancellationToken).ConfigureAwait(false)
            : new DnsAnswer<T>(DnsStatus.NotFound);
        if (answers.Count >= MostAnswers)
        {
            answers.Clear();
            failures.Clear();
        }

        answers[question] = answer;
        if (answer.Status == DnsStatus.TryAgain)
        {
            failures.Add(question);
        }

        return answer;
    }

    private readonly struct Question(RecordType type, string name) : IEquatable<Question>
    {
        public string Name => name;

        private RecordType Type => type;

        public bool Equals(Question other) => other.Type == type && name.Equals(other.Name, StringComparison.OrdinalIgnoreCase);

        public override bool Equals(object? obj) => obj is Question other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(type, name.GetHashCode(StringComparison.OrdinalIgnoreCase));
    }
}
