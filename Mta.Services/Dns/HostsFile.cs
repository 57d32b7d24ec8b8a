using System.Net;

namespace Mta.Services.Dns;

/// <summary>A snapshot of /etc/hosts, which the system's resolver asks before the DNS.</summary>
public sealed class HostsFile
{
    private readonly Dictionary<IPAddress, string> names = [];
    private readonly HashSet<(string Name, IPAddress Address)> pairs = [];

    private HostsFile(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            var comment = line.IndexOf('#', StringComparison.Ordinal);
            var words = (comment < 0 ? line : line[..comment]).Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !IPAddress.TryParse(words[0], out var address))
            {
                continue;
            }

            names.TryAdd(address, words[1]);
            foreach (var name in words[1..])
            {
                pairs.Add((name.ToLowerInvariant(), address));
            }
        }
    }

    public static HostsFile Empty { get; } = new("");

    /// <summary>Reads the system's file; one that cannot be read has no hosts.</summary>
    public static HostsFile Load(string path = "/etc/hosts")
    {
        try
        {
            return new HostsFile(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Empty;
        }
    }

    public static HostsFile Parse(string text) => new(text);

    /// <summary>The canonical name of an address: the first one of its first line.</summary>
    public string? NameOf(IPAddress address) => names.GetValueOrDefault(address);

    /// <summary>The addresses of a name; empty when the file does not have it.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(string name) =>
        pairs.Count == 0 ? [] : [.. pairs.Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(p => p.Address)];

    public bool Has(string name, IPAddress address) => pairs.Contains((name.ToLowerInvariant(), address));
}
