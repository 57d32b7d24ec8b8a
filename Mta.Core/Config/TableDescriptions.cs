using System.Collections.Frozen;

namespace Mta.Core.Config;

/// <summary>
/// The lookup tables that are described by parameters of their own: <c>pgsql:NAME</c> by <c>NAME_hosts</c> and the like in main.cf,
/// <c>pgsql:/file</c> by <c>hosts</c> and the like in that file.
/// </summary>
public static class TableDescriptions
{
    private const string Query = "domain expansion_limit query result_format select_field table where_field additional_conditions";

    private static readonly FrozenDictionary<string, FrozenSet<string>> Types = new Dictionary<string, FrozenSet<string>>(StringComparer.Ordinal)
    {
        ["ldap"] = Names(
            "bind bind_dn bind_pw cache cache_expiry cache_size chase_referrals debuglevel dereference domain expansion_limit leaf_result_attribute query_filter "
            + "recursion_limit result_attribute result_filter result_format sasl_authz_id sasl_mechs sasl_minssf sasl_realm scope search_base server_host "
            + "server_port size_limit special_result_attribute start_tls terminal_result_attribute timeout tls_ca_cert_dir tls_ca_cert_file tls_cert "
            + "tls_cipher_suite tls_key tls_random_file tls_require_cert version"),
        ["memcache"] = Names("backup data_size_limit domain flags key_format line_size_limit max_try memcache retry_pause timeout ttl"),
        ["mongodb"] = Names("collection dbname domain expansion_limit projection query_filter result_attribute result_format search_base uri"),
        ["mysql"] = Names(
            Query + " charset dbname hosts idle_interval option_file option_group password require_result_set retry_interval tls_CAfile tls_CApath tls_cert_file tls_ciphers "
            + "tls_key_file tls_verify_cert user"),
        ["pgsql"] = Names(Query + " dbname encoding hosts idle_interval password retry_interval select_function user"),
        ["sqlite"] = Names(Query + " dbpath"),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The parameters that a table of this type has; null for types that have none.</summary>
    public static FrozenSet<string>? Of(string type) => Types.GetValueOrDefault(type);

    /// <summary>The tables of such types in an expanded value, also within <c>proxy:</c> and in braces.</summary>
    /// <param name="problem">Hears of braces that do not fit.</param>
    public static void Find(string value, Action<string, string> table, Action<string>? problem)
    {
        if (!value.Contains(':') && !value.Contains('{'))
        {
            return;
        }

        foreach (var element in ValueList.Split(value))
        {
            if (element[0] == '{')
            {
                var text = BracedText.Read(element, out var braces);
                if (braces is not null)
                {
                    problem?.Invoke(braces);
                }

                Find(text, table, problem);
                continue;
            }

            var reference = element.StartsWith("proxy:", StringComparison.Ordinal) ? element[6..] : element;
            var colon = reference.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || colon + 1 == reference.Length)
            {
                continue;
            }

            var (type, name) = (reference[..colon], reference[(colon + 1)..]);
            if (Types.ContainsKey(type))
            {
                table(type, name);
            }
            else if (type is "unionmap" or "pipemap" && name is ['{', _, ..])
            {
                Find(BracedText.Read(name, out _), table, problem);
            }
        }
    }

    private static FrozenSet<string> Names(string list) => list.Split(' ').ToFrozenSet(StringComparer.Ordinal);
}
