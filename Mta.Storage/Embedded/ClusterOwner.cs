using System.Globalization;

namespace Mta.Storage.Embedded;

/// <summary>The user of the system that the cluster belongs to: mail_owner where root started us, else whoever did. Never root.</summary>
internal sealed record ClusterOwner(string Name, uint Uid, uint Gid)
{
    /// <summary>The user to run PostgreSQL's programs as; null when that is the user we are.</summary>
    public string? RunAs => Environment.IsPrivilegedProcess ? Name : null;

    /// <param name="mailOwner">The value of mail_owner.</param>
    public static ClusterOwner Find(string mailOwner)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return FromPasswd(Environment.UserName) ?? new ClusterOwner(Environment.UserName, 0, 0);
        }

        var owner = FromPasswd(mailOwner) ?? throw new StorageException(StorageFailure.Fatal, $"mail_owner {mailOwner} is no user of this system; the embedded PostgreSQL cannot run as root");
        return owner.Uid != 0 ? owner : throw new StorageException(StorageFailure.Fatal, "mail_owner is root; the embedded PostgreSQL cannot run as root");
    }

    private static ClusterOwner? FromPasswd(string name)
    {
        foreach (var line in File.ReadLines("/etc/passwd"))
        {
            var fields = line.Split(':');
            if (fields.Length > 3 && fields[0] == name)
            {
                return new ClusterOwner(name, uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture));
            }
        }

        return null;
    }
}
