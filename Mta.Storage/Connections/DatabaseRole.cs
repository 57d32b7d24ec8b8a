namespace Mta.Storage.Connections;

/// <summary>The role that a connection works as; PostgreSQL knows it as <c>mta_owner</c>, <c>mta_daemon</c> and so on.</summary>
public enum DatabaseRole
{
    /// <summary>The role that the URL logs in as, whichever it is: for migrations, and where separate roles could not be made.</summary>
    Login,
    /// <summary>Owns schema and tables; migrations run as it.</summary>
    Owner,
    /// <summary>Reads and writes rows: the services.</summary>
    Daemon,
    /// <summary>May do nothing but put mail into maildrop, through a function.</summary>
    Submit,
    /// <summary>May call the functions that hold, release, requeue, delete, flush and bounce.</summary>
    Admin,
    /// <summary>Reads views; sees no message bodies.</summary>
    Report,
}

/// <summary>The names of the roles in PostgreSQL.</summary>
public static class DatabaseRoles
{
    internal static readonly string[] All = ["mta_owner", "mta_daemon", "mta_submit", "mta_admin", "mta_report"];

    /// <summary>The name in PostgreSQL; null for <see cref="DatabaseRole.Login"/>.</summary>
    public static string? Name(DatabaseRole role) => role switch
    {
        DatabaseRole.Owner => "mta_owner",
        DatabaseRole.Daemon => "mta_daemon",
        DatabaseRole.Submit => "mta_submit",
        DatabaseRole.Admin => "mta_admin",
        DatabaseRole.Report => "mta_report",
        _ => null,
    };
}
