using System.Globalization;

namespace Mta.Services.Local;

/// <summary>A user of the system, as passwd(5) has it.</summary>
internal sealed record LocalUser(string Name, uint Uid, uint Gid, string Home)
{
    /// <summary>Null for a line that is none.</summary>
    public static LocalUser? Parse(string line)
    {
        var fields = line.Split(':');
        return fields.Length >= 6
            && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var uid)
            && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var gid)
            ? new LocalUser(fields[0], uid, gid, fields[5])
            : null;
    }
}
