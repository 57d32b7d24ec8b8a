using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>libpq's connection keywords, said in Npgsql's words.</summary>
internal static class LibpqKeywords
{
    public static bool TryApply(IReadOnlyDictionary<string, string> keywords, NpgsqlConnectionStringBuilder builder, [NotNullWhen(false)] out string? problem)
    {
        foreach (var (name, value) in keywords)
        {
            if (!TryApply(name, value, builder, out problem))
            {
                problem ??= $"database_url: {name} does not take the value given";
                return false;
            }
        }

        // As in libpq: a root certificate that is named is also used.
        if (builder.SslMode == SslMode.Require && builder.RootCertificate is { Length: > 0 })
        {
            builder.SslMode = SslMode.VerifyCA;
        }

        problem = null;
        return true;
    }

    private static bool TryApply(string name, string value, NpgsqlConnectionStringBuilder builder, out string? problem)
    {
        problem = null;
        switch (name)
        {
            case "user":
                builder.Username = value;
                return true;
            case "password":
                builder.Password = value;
                return true;
            case "passfile":
                builder.Passfile = value;
                return true;
            case "dbname":
                builder.Database = value;
                return true;
            case "options":
                builder.Options = value;
                return true;
            case "application_name" or "fallback_application_name":
                builder.ApplicationName = value;
                return true;
            case "connect_timeout":
                return TryNumber(value, n => builder.Timeout = n);
            case "target_session_attrs":
                builder.TargetSessionAttributes = value;
                return value is "any" or "primary" or "standby" or "prefer-standby" or "read-write" or "read-only";
            case "load_balance_hosts":
                builder.LoadBalanceHosts = value == "random";
                return value is "random" or "disable";
            case "sslmode":
                return TrySslMode(value, builder);
            case "sslrootcert":
                builder.RootCertificate = value;
                return true;
            case "sslcert":
                builder.SslCertificate = value;
                return true;
            case "sslkey":
                builder.SslKey = value;
                return true;
            case "sslpassword":
                builder.SslPassword = value;
                return true;
            case "keepalives":
                builder.TcpKeepAlive = value != "0";
                return true;
            case "keepalives_idle":
                return TryNumber(value, n => builder.TcpKeepAliveTime = n);
            case "keepalives_interval":
                return TryNumber(value, n => builder.TcpKeepAliveInterval = n);
            case "channel_binding":
                return TryEnum<ChannelBinding>(value, v => builder.ChannelBinding = v);
            case "gssencmode":
                return TryEnum<GssEncryptionMode>(value, v => builder.GssEncryptionMode = v);
            case "krbsrvname":
                builder.KerberosServiceName = value;
                return true;
            // Always UTF8 here.
            case "client_encoding":
                return true;
            default:
                problem = $"database_url: keyword {name} is not known";
                return false;
        }
    }

    private static bool TrySslMode(string value, NpgsqlConnectionStringBuilder builder)
    {
        SslMode? mode = value switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" => SslMode.VerifyCA,
            "verify-full" => SslMode.VerifyFull,
            _ => null,
        };
        builder.SslMode = mode ?? SslMode.Prefer;
        return mode is not null;
    }

    private static bool TryNumber(string value, Action<int> set)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        set(number);
        return true;
    }

    private static bool TryEnum<T>(string value, Action<T> set)
        where T : struct, Enum
    {
        if (!Enum.TryParse<T>(value, ignoreCase: true, out var parsed))
        {
            return false;
        }

        set(parsed);
        return true;
    }
}
