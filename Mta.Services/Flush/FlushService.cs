using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Flush;

/// <summary>
/// flush(8), as far as postqueue(1) needs it: makes deferred mail due, at <c>public/flush</c>. A request is <c>all</c>, <c>id QUEUEID</c> or
/// <c>site DOMAIN</c>. What authorized_flush_users and fast_flush_domains do not allow is refused. There is no log of deferred mail
/// by destination: the deferred queue itself is kept by destination.
/// </summary>
public sealed class FlushService : IAsyncDisposable
{
    private readonly QueueRequests requests;
    private readonly TableRegistry tables;
    private readonly MailLog log;
    private readonly Action flushed;
    private readonly string tag;
    private readonly LocalServer? server;
    private readonly Settings settings;

    /// <param name="requests">Makes deferred mail due.</param>
    /// <param name="tables">For the tables that the lists may name.</param>
    /// <param name="settings">Its service's settings.</param>
    /// <param name="log">The mail log.</param>
    /// <param name="flushed">Called after a request, so that this node looks for due mail at once.</param>
    /// <param name="tag">The name of its log lines.</param>
    public FlushService(QueueRequests requests, TableRegistry tables, Settings settings, MailLog log, Action flushed, string tag = "flush")
    {
        this.requests = requests;
        this.tables = tables;
        this.settings = settings;
        this.log = log;
        this.flushed = flushed;
        this.tag = tag;
        server = LocalServer.Start(LocalEndpoint.Path(settings.Get(Parameters.QueueDirectory), "flush"), ServeAsync, log, tag);
    }

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ServeAsync(string request, uint uid, Stream answer, CancellationToken cancellationToken)
    {
        string? refusal;
        try
        {
            refusal = await new LocalUsers(tables, settings).RefusedAsync(Parameters.AuthorizedFlushUsers, uid, cancellationToken).ConfigureAwait(false) is { } user
                ? $"User {user} is not allowed to flush the mail queue"
                : await FlushAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.Warning(tag, $"{e.Message}");
            refusal = "Cannot flush mail queue - " + e.Message;
        }

        await (refusal is null ? LocalAnswer.AcceptAsync(answer, cancellationToken) : LocalAnswer.RefuseAsync(answer, refusal, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Null when it was done; else what the command says.</summary>
    private async ValueTask<string?> FlushAsync(string request, CancellationToken cancellationToken)
    {
        var space = request.IndexOf(' ', StringComparison.Ordinal);
        var (verb, argument) = space < 0 ? (request, "") : (request[..space], request[(space + 1)..]);
        switch (verb)
        {
            case "all":
                await requests.FlushAllAsync(cancellationToken).ConfigureAwait(false);
                break;
            case "id" when QueueId.TryParse(argument, out var id):
                await requests.FlushMessageAsync(id.Value, cancellationToken).ConfigureAwait(false);
                break;
            case "site":
                var eligible = await tables.OpenList(settings, Parameters.FastFlushDomains, MatchListKind.Domains).MatchAsync(argument, cancellationToken).ConfigureAwait(false);
                if (!eligible.IsFound)
                {
                    return $"Flush service is not configured for destination \"{argument}\"";
                }

                await requests.FlushSiteAsync(argument, cancellationToken).ConfigureAwait(false);
                break;
            default:
                return "unknown request";
        }

        flushed();
        return null;
    }
}
