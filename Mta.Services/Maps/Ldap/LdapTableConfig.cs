using System.Globalization;
using Mta.Core.Config;
using Mta.Core.Lookup.Queries;

namespace Mta.Services.Maps.Ldap;

/// <summary>The parameters of an ldap_table(5).</summary>
internal sealed record LdapTableConfig
{
    private LdapTableConfig()
    {
    }

    /// <summary>URLs, tried in this order.</summary>
    public required string[] Servers { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required string SearchBase { get; init; }

    public required string QueryFilter { get; init; }

    public required ResultRules Results { get; init; }

    /// <summary>0 base, 1 one, 2 sub.</summary>
    public required int Scope { get; init; }

    public required string[] ResultAttributes { get; init; }

    /// <summary>Attributes with names or URLs of further entries.</summary>
    public required string[] SpecialAttributes { get; init; }

    /// <summary>Where an entry has one of these, nothing else of it counts.</summary>
    public required string[] TerminalAttributes { get; init; }

    /// <summary>Those that count only in entries without special attributes.</summary>
    public required string[] LeafAttributes { get; init; }

    public required int RecursionLimit { get; init; }

    public required int SizeLimit { get; init; }

    public required int Dereference { get; init; }

    public required bool ChaseReferrals { get; init; }

    public required int Version { get; init; }

    public required bool Binds { get; init; }

    public required string BindName { get; init; }

    public required string BindPassword { get; init; }

    public required bool StartTls { get; init; }

    public required string TlsCaFile { get; init; }

    public required string TlsCaDirectory { get; init; }

    public required string TlsCertificate { get; init; }

    public required string TlsKey { get; init; }

    public required bool TlsRequiresCertificate { get; init; }

    public required string TlsCipherSuite { get; init; }

    public bool UsesTls => StartTls || Array.Exists(Servers, s => s.StartsWith("ldaps:", StringComparison.OrdinalIgnoreCase));

    /// <summary>All attributes that are asked for.</summary>
    public IReadOnlyList<string> Attributes => [.. ResultAttributes, .. SpecialAttributes, .. TerminalAttributes, .. LeafAttributes];

    /// <summary>Reads the parameters by name; those that are not set are null.</summary>
    /// <returns>Null with the reason in <paramref name="problem"/>.</returns>
    public static LdapTableConfig? Read(Func<string, string?> get, out string? problem)
    {
        string Text(string name, string otherwise = "") => get(name) is { Length: > 0 } text ? text : otherwise;
        string[] List(string name) => [.. ValueList.Split(Text(name))];
        bool IsOn(string name, string otherwise) => Text(name, otherwise) is "yes" or "1" or "true" or "on";

        var format = (string name) => name == "result_format" ? get(name) ?? get("result_filter") : get(name);
        if (ResultRules.Read(format, out problem) is not { } results
            || !ResultRules.TryNumber(get, "timeout", 10, out var timeout, out problem)
            || !ResultRules.TryNumber(get, "recursion_limit", 1000, out var recursionLimit, out problem, min: 1)
            || !ResultRules.TryNumber(get, "size_limit", results.ExpansionLimit, out var sizeLimit, out problem)
            || !ResultRules.TryNumber(get, "dereference", 0, out var dereference, out problem)
            || !ResultRules.TryNumber(get, "version", 3, out var version, out problem)
            || !ResultRules.TryNumber(get, "server_port", 389, out var port, out problem))
        {
            return null;
        }

        problem = Text("scope", "sub") is not ("sub" or "one" or "base") ? $"bad scope: {get("scope")} (need sub, one or base)"
            : dereference > 3 ? "bad dereference: need 0, 1, 2 or 3"
            : Text("search_base").Length == 0 ? "need search_base"
            : Text("bind", "yes") == "sasl" ? "bind = sasl is not supported: use bind = yes with bind_dn and bind_pw, or bind = none"
            : null;
        if (problem is not null)
        {
            return null;
        }

        return new LdapTableConfig
        {
            Servers = [.. ValueList.Split(Text("server_host", "localhost")).Select(s => Url(s, port))],
            Timeout = TimeSpan.FromSeconds(timeout),
            SearchBase = Text("search_base"),
            QueryFilter = Text("query_filter", "mailacceptinggeneralid=%s"),
            Results = results,
            Scope = Text("scope", "sub") switch { "base" => 0, "one" => 1, _ => 2 },
            // Set to nothing it stays nothing.
            ResultAttributes = [.. ValueList.Split(get("result_attribute") ?? "maildrop")],
            SpecialAttributes = List("special_result_attribute"),
            TerminalAttributes = List("terminal_result_attribute"),
            LeafAttributes = List("leaf_result_attribute"),
            RecursionLimit = recursionLimit,
            SizeLimit = sizeLimit,
            Dereference = dereference,
            ChaseReferrals = IsOn("chase_referrals", "no"),
            Version = version,
            Binds = Text("bind", "yes") is "yes" or "1" or "simple" or "true",
            BindName = Text("bind_dn"),
            BindPassword = Text("bind_pw"),
            StartTls = IsOn("start_tls", "no"),
            TlsCaFile = Text("tls_ca_cert_file"),
            TlsCaDirectory = Text("tls_ca_cert_dir"),
            TlsCertificate = Text("tls_cert"),
            TlsKey = Text("tls_key"),
            TlsRequiresCertificate = IsOn("tls_require_cert", "no"),
            TlsCipherSuite = Text("tls_cipher_suite"),
        };
    }

    private static string Url(string server, int port) =>
        server.Contains("://", StringComparison.Ordinal) ? server
        : server.Contains(':', StringComparison.Ordinal) ? "ldap://" + server
        : string.Create(CultureInfo.InvariantCulture, $"ldap://{server}:{port}");
}
