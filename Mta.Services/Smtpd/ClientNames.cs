using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd;

/// <summary>The names of clients: what the address resolves to, if that resolves back to the address. Kept for a short time an address.</summary>
internal sealed partial class ClientNames(MailLog log, TimeProvider time)
{
    private const int MostEntries = 10_000;
    private const int NameRequired = 8;
    private const int LongestName = 1025;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<IPAddress, Entry> entries = new();

    /// <summary>Completes at once when the address was asked for lately.</summary>
    public ValueTask<ClientName> FindAsync(IPAddress address, string tag, CancellationToken cancellationToken) =>
        entries.TryGetValue(address, out var known) && time.GetElapsedTime(known.Since) < Lifetime
            ? new(known.Name)
            : LookupAsync(address, tag, cancellationToken);

    private async ValueTask<ClientName> LookupAsync(IPAddress address, string tag, CancellationToken cancellationToken)
    {
        var reverse = await Task.Run(() => Reverse(address), cancellationToken).ConfigureAwait(false);
        var verified = reverse is not null && await ConfirmAsync(reverse, address, tag, cancellationToken).ConfigureAwait(false) ? reverse : null;
        var name = new ClientName(verified, reverse);
        if (entries.Count >= MostEntries)
        {
            entries.Clear();
        }

        entries[address] = new Entry(name, time.GetTimestamp());
        return name;
    }

    // The system's resolver, hosts file included: it is the one that the administrator's other programs use.
    private static string? Reverse(IPAddress address)
    {
        var socketAddress = new IPEndPoint(address, 0).Serialize();
        Span<byte> host = stackalloc byte[LongestName];
        var result = GetNameInfo(
            socketAddress.Buffer.Span, socketAddress.Size, host, host.Length, IntPtr.Zero, 0, NameRequired);
        if (result != 0)
        {
            return null;
        }

        var name = Encoding.UTF8.GetString(host[..host.IndexOf((byte)0)]).TrimEnd('.');

        // What is not a host name must get neither into the log nor into a header.
        return name.Length > 0 && Restrictions.HostNames.IsValid(name) && !IPAddress.TryParse(name, out _) ? name : null;
    }

    private async ValueTask<bool> ConfirmAsync(string name, IPAddress address, string tag, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await System.Net.Dns.GetHostAddressesAsync(name, cancellationToken).ConfigureAwait(false);
            if (Array.Exists(addresses, a => a.Equals(address) || (a.IsIPv4MappedToIPv6 && a.MapToIPv4().Equals(address))))
            {
                return true;
            }

            log.Warning(tag, $"hostname {name} does not resolve to address {address}");
        }
        catch (SocketException e)
        {
            log.Warning(tag, $"hostname {name} does not resolve to address {address}: {e.Message}");
        }

        return false;
    }

    [LibraryImport("libc", EntryPoint = "getnameinfo")]
    private static partial int GetNameInfo(
        ReadOnlySpan<byte> address, int addressLength, Span<byte> host, int hostLength, IntPtr service, int serviceLength, int flags);

    private readonly record struct Entry(ClientName Name, long Since);
}
