using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Mta.Storage.Migrations;

/// <summary>A numbered SQL file of the repository's sql folder, embedded in this assembly.</summary>
internal sealed record SqlScript(long Version, string Name, string Text);

/// <summary>Finds the numbered SQL files: <c>sql/migrations/0002_queue.sql</c>, <c>sql/grants/0001_base.sql</c>.</summary>
internal static class SqlScripts
{
    public static IReadOnlyList<SqlScript> Migrations { get; } = Load("sql/migrations/");

    public static IReadOnlyList<SqlScript> Grants { get; } = Load("sql/grants/");

    /// <summary>The newest schema that this program knows.</summary>
    public static long NewestVersion => Migrations[^1].Version;

    /// <summary>Changes when a grants file changes.</summary>
    public static string GrantsFingerprint { get; } =
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Grants.Select(s => s.Text)))));

    private static List<SqlScript> Load(string folder)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var scripts = new List<SqlScript>();
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(folder, StringComparison.Ordinal)))
        {
            var name = resource[folder.Length..];
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
            scripts.Add(new SqlScript(long.Parse(name.AsSpan(0, name.IndexOf('_', StringComparison.Ordinal)), CultureInfo.InvariantCulture), name, reader.ReadToEnd()));
        }

        scripts.Sort((a, b) => a.Version.CompareTo(b.Version));
        for (var i = 1; i < scripts.Count; i++)
        {
            if (scripts[i].Version == scripts[i - 1].Version)
            {
                throw new InvalidOperationException($"{folder}: {scripts[i - 1].Name} and {scripts[i].Name} have the same number");
            }
        }

        return scripts;
    }
}
