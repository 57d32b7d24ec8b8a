using System.Globalization;

namespace Mta.Services.Master;

/// <summary>A user of the system.</summary>
internal sealed record SystemAccount(string Name, uint Uid, uint Gid, string Home)
{
    private const string File = "/etc/passwd";

    /// <summary>Null when there is no such user.</summary>
    public static SystemAccount? ByName(string name) => Find(f => f[0] == name);

    public static SystemAccount? ByUid(uint uid)
    {
        var number = uid.ToString(CultureInfo.InvariantCulture);
        return Find(f => f[2] == number);
    }

    private static SystemAccount? Find(Predicate<string[]> wanted)
    {
        foreach (var line in System.IO.File.ReadLines(File))
        {
            var fields = line.Split(':');
            if (fields.Length > 5 && wanted(fields)
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var uid)
                && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var gid))
            {
                return new SystemAccount(fields[0], uid, gid, fields[5]);
            }
        }

        return null;
    }
}
