using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Smtpd;

namespace Mta.Daemon;

/// <summary>The network servers of a node, one for each inet service of master.cf, over the sockets that master bound.</summary>
internal sealed class InetServers(SmtpdEnvironment environment, MailLog log) : IAsyncDisposable
{
    private readonly Dictionary<string, Running> servers = new(StringComparer.Ordinal);

    /// <summary>Starts servers that are new, gives the others their configuration, and stops those that are gone.</summary>
    /// <exception cref="SmtpdConfigException">A configuration cannot be used; nothing was changed.</exception>
    public async Task ApplyAsync(NodeConfiguration configuration, IReadOnlyList<ServiceListener> listeners)
    {
        var services = configuration.Services.Where(s => s.Type == ServiceType.Inet && s.Command == "smtpd").ToList();

        // All are compiled before one is taken, so that a bad one changes nothing.
        var made = services.Where(s => !servers.ContainsKey(s.Name)).ToDictionary(s => s.Name, s => Make(configuration, s));
        var changes = services.Where(s => servers.ContainsKey(s.Name)).Select(s => servers[s.Name].Server.Prepare(configuration.SmtpdOf(s))).ToList();
        changes.ForEach(take => take());

        foreach (var service in services)
        {
            if (made.TryGetValue(service.Name, out var server))
            {
                servers.Add(service.Name, new Running(server, []));
            }

            servers[service.Name].Serve([.. listeners.Where(l => l.Service == service.Name).Select(l => l.Socket)]);
        }

        foreach (var name in servers.Keys.Where(name => !services.Exists(s => s.Name == name)).ToList())
        {
            await servers[name].Server.DisposeAsync().ConfigureAwait(false);
            servers.Remove(name);
        }

        foreach (var other in configuration.Services.Where(s => s.Type == ServiceType.Inet && s.Command != "smtpd"))
        {
            log.Warning("master", $"service {other.Name}: {other.Command} is not available in this version; its connections are not served");
        }
    }

    public Task StopAsync() => Task.WhenAll(servers.Values.Select(s => s.Server.StopAsync()));

    public async ValueTask DisposeAsync()
    {
        foreach (var running in servers.Values)
        {
            await running.Server.DisposeAsync().ConfigureAwait(false);
        }

        servers.Clear();
    }

    private SmtpServer Make(NodeConfiguration configuration, MasterService service)
    {
        var tag = LogTags.Of(configuration.Settings, configuration.SmtpdOf(service).Settings, "smtpd");
        return new SmtpServer(
            environment,
            new SmtpServerOptions
            {
                Tag = tag,
                ServiceName = service.Name,
                MaximumSessions = service.ProcessLimit switch
                {
                    null => configuration.Settings.Get(Parameters.DefaultProcessLimit),
                    0 => int.MaxValue,
                    { } limit => limit,
                },
            },
            configuration.SmtpdOf(service));
    }

    private sealed record Running(SmtpServer Server, HashSet<Socket> Sockets)
    {
        public void Serve(IReadOnlyList<Socket> sockets)
        {
            var added = sockets.Where(Sockets.Add).ToList();
            Server.Start(added);
        }
    }
}
