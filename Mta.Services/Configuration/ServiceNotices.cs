using Mta.Core.Config;

namespace Mta.Services.Configuration;

/// <summary>What an administrator has to know of services of master.cf that this program treats in another way than Postfix.</summary>
internal static class ServiceNotices
{
    /// <summary>The programs of Postfix that are not there yet, and what follows from it.</summary>
    private static readonly Dictionary<string, string> Missing = new(StringComparer.Ordinal)
    {
        ["dnsblog"] = "it is asked by postscreen only, which is not there either",
        ["pipe"] = "mail for this transport is deferred",
        ["postscreen"] = "its connections are not served; let smtpd have the port",
        ["qmqpd"] = "its connections are not served",
        ["spawn"] = "its connections are not served",
        ["tlsproxy"] = "it is used by postscreen only, which is not there either",
    };

    /// <summary>Programs that are there, by themselves or as a part of others.</summary>
    public static IReadOnlySet<string> Present { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "anvil", "bounce", "cleanup", "discard", "error", "flush", "lmtp", "local", "pickup", "postlogd", "proxymap", "qmgr", "scache", "showq", "smtp",
        "smtpd", "tlsmgr", "trivial-rewrite", "verify", "virtual",
    };

    public static IEnumerable<ConfigProblem> Find(string file, IReadOnlyList<MasterService> services)
    {
        foreach (var service in services)
        {
            var name = $"service {service.Name}";
            if (Missing.TryGetValue(service.Command, out var consequence))
            {
                yield return ConfigProblem.Warning(file, service.Line, $"{name}: {service.Command} is not available in this version: {consequence}");
            }
            else if (!Present.Contains(service.Command))
            {
                yield return ConfigProblem.Warning(file, service.Line, $"{name}: {service.Command} is no program of the mail system; the service is not started");
            }
            else if (service.Command == "smtpd" && service.Type != ServiceType.Inet)
            {
                yield return ConfigProblem.Warning(file, service.Line, $"{name}: smtpd takes connections of inet services only; nobody passes it any");
            }
        }

        var chrooted = services.Where(s => s.IsChrooted).Select(s => s.Name).Distinct().ToList();
        if (chrooted.Count > 0)
        {
            yield return ConfigProblem.Warning(
                file, 0, $"chroot is not honoured: services run as mail_owner, with the whole file system in sight: {string.Join(", ", chrooted)} (write n in the chroot column)");
        }
    }
}
