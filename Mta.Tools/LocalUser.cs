using System.Globalization;
using System.Runtime.InteropServices;
using Mta.Services.Maps.Tables;

namespace Mta.Tools;

/// <summary>A user of the operating system.</summary>
/// <param name="Name">Empty when the number has no name.</param>
/// <param name="FullName">As passwd(5) has it; empty when it has none.</param>
internal sealed partial record LocalUser(uint Id, string Name, string FullName)
{
    /// <summary>The user who runs the command.</summary>
    public static LocalUser Current { get; } = Find(GetUid());

    /// <summary>The super-user and the owner of the mail system pass every list of allowed users.</summary>
    public bool IsPrivileged(string mailOwner) => Id == 0 || (Name.Length > 0 && Name == mailOwner);

    public static LocalUser Find(uint id)
    {
        var entry = UnixNames.FindUser(id);
        if (!entry.IsFound)
        {
            return new LocalUser(id, "", "");
        }

        var fields = entry.Text!.Split(':');
        return new LocalUser(uint.Parse(fields[2], CultureInfo.InvariantCulture), fields[0], FullNameOf(fields[0], fields[4]));
    }

    // The first part of the gecos field, in which & stands for the login name with a capital.
    private static string FullNameOf(string name, string gecos)
    {
        var end = gecos.AsSpan().IndexOfAny(",;%");
        var first = end < 0 ? gecos : gecos[..end];
        return name.Length == 0 ? first : first.Replace("&", char.ToUpperInvariant(name[0]) + name[1..], StringComparison.Ordinal);
    }

    [LibraryImport("libc", EntryPoint = "getuid")]
    private static partial uint GetUid();
}
