using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// The value of database_url: <c>embedded</c>, a PostgreSQL URI, an Npgsql connection string, or <c>file:/path</c> of a file that holds
/// one of these (main.cf is readable for all, that file need not be). Nothing here prints a password.
/// </summary>
public sealed class DatabaseUrl
{
    private const string FilePrefix = "file:";

    private readonly NpgsqlConnectionStringBuilder? connection;

    private DatabaseUrl(NpgsqlConnectionStringBuilder? connection, TargetSessionAttributes? target, IReadOnlyList<string> warnings)
    {
        this.connection = connection;
        Target = target;
        Warnings = warnings;
    }

    /// <summary>A private cluster of the mail system's own.</summary>
    public bool IsEmbedded => connection is null;

    /// <summary>Which of several hosts to use; null when there is only one and any will do.</summary>
    public TargetSessionAttributes? Target { get; }

    /// <summary>What an administrator should know, for example a password that everybody can read.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>False, with the reason, for text that is none of the forms.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DatabaseUrl? url, [NotNullWhen(false)] out string? problem)
    {
        url = null;
        problem = null;
        var warnings = new List<string>();
        text = text.Trim();
        var fromFile = text.StartsWith(FilePrefix, StringComparison.Ordinal);
        if (fromFile)
        {
            if (!SecretFile.TryRead(text[FilePrefix.Length..], warnings, out var content, out problem))
            {
                return false;
            }

            text = content;
        }

        if (text == "embedded")
        {
            url = new DatabaseUrl(null, null, warnings);
            return true;
        }

        if (!TryReadConnection(text, out var connection, out problem))
        {
            return false;
        }

        if (connection.Password is { Length: > 0 } password)
        {
            if (password.StartsWith(FilePrefix, StringComparison.Ordinal))
            {
                if (!SecretFile.TryRead(password[FilePrefix.Length..], warnings, out var secret, out problem))
                {
                    return false;
                }

                connection.Password = secret;
            }
            else if (!fromFile)
            {
                warnings.Add("database_url has a password in main.cf, which everybody can read: use password=file:/path, a passfile, or database_url = file:/path");
            }
        }

        url = new DatabaseUrl(connection, TakeTarget(connection), warnings);
        return true;
    }

    /// <summary>The connection string that the URL stands for, with our defaults where it does not say. Not for <see cref="IsEmbedded"/>.</summary>
    internal NpgsqlConnectionStringBuilder ToConnection() =>
        new((connection ?? throw new InvalidOperationException("the embedded cluster makes its own")).ConnectionString);

    /// <summary>Hosts, database and user; never a password.</summary>
    public override string ToString() =>
        connection is null ? "embedded" : $"postgresql://{connection.Username}@{connection.Host}:{connection.Port}/{connection.Database}";

    private static bool TryReadConnection(string text, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection, [NotNullWhen(false)] out string? problem)
    {
        connection = null;
        try
        {
            if (PostgresUri.IsUri(text))
            {
                return PostgresUri.TryParse(text, out connection, out problem);
            }

            problem = null;
            connection = new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(connection.Host))
            {
                problem = "database_url names no host";
                return false;
            }

            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            // The exception's text may repeat the value, and with it a password.
            problem = "database_url is neither embedded, nor a PostgreSQL URI, nor an Npgsql connection string";
            return false;
        }
    }

    // Of several servers only the one that takes writes is of use to a mail system, so that is the default.
    private static TargetSessionAttributes? TakeTarget(NpgsqlConnectionStringBuilder connection)
    {
        var several = connection.Host!.Contains(',', StringComparison.Ordinal);
        var target = connection.TargetSessionAttributes?.ToLowerInvariant() switch
        {
            "any" => TargetSessionAttributes.Any,
            "primary" => TargetSessionAttributes.Primary,
            "standby" => TargetSessionAttributes.Standby,
            "prefer-primary" => TargetSessionAttributes.PreferPrimary,
            "prefer-standby" => TargetSessionAttributes.PreferStandby,
            "read-write" => TargetSessionAttributes.ReadWrite,
            "read-only" => TargetSessionAttributes.ReadOnly,
            _ => several ? TargetSessionAttributes.Primary : (TargetSessionAttributes?)null,
        };
        connection.TargetSessionAttributes = null;
        return target;
    }
}
