using System.Buffers;
using Mta.Core.Config;
using Mta.Core.Showq;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Storage;
using Mta.Storage.Showq;

namespace Mta.Services.Showq;

/// <summary>
/// showq(8): lists the queue for postqueue(1) and mailq(1), whoever runs them, at <c>public/showq</c>.
/// <para>
/// A request is <c>text ZONE</c> or <c>json</c>. Users that authorized_mailq_users does not name are refused; the kernel says who asks, so
/// that the commands need no privileges. Nothing is fatal; a database that is away is said to the one who asks.
/// </para>
/// </summary>
public sealed class ShowqService : IAsyncDisposable
{
    private readonly QueueLister lister;
    private readonly TableRegistry tables;
    private readonly MailLog log;
    private readonly string tag;
    private readonly LocalServer? server;
    private readonly Settings settings;

    /// <param name="lister">Reads the queue.</param>
    /// <param name="tables">For the tables that authorized_mailq_users may name.</param>
    /// <param name="settings">Its service's settings.</param>
    /// <param name="log">The mail log.</param>
    /// <param name="tag">The name of its log lines.</param>
    public ShowqService(QueueLister lister, TableRegistry tables, Settings settings, MailLog log, string tag = "showq")
    {
        this.lister = lister;
        this.tables = tables;
        this.settings = settings;
        this.log = log;
        this.tag = tag;
        server = LocalServer.Start(LocalEndpoint.Path(settings.Get(Parameters.QueueDirectory), "showq"), ServeAsync, log, tag);
    }

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ServeAsync(string request, uint uid, Stream answer, CancellationToken cancellationToken)
    {
        if (await new LocalUsers(tables, settings).RefusedAsync(Parameters.AuthorizedMailqUsers, uid, cancellationToken).ConfigureAwait(false) is { } user)
        {
            await LocalAnswer.RefuseAsync(answer, $"User {user} is not allowed to view the mail queue", cancellationToken).ConfigureAwait(false);
            return;
        }

        var words = request.Split(' ');
        IQueueListing? listing = words[0] switch
        {
            "json" => new MailqJson(),
            "text" => new MailqText(Zone(words)),
            _ => null,
        };
        if (listing is null)
        {
            await LocalAnswer.RefuseAsync(answer, "unknown request", cancellationToken).ConfigureAwait(false);
            return;
        }

        var output = new ArrayBufferWriter<byte>(65536);
        output.Write("ok\n"u8);
        var started = false;
        try
        {
            await lister.ListAsync(listing, output, FlushAsync, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.Warning(tag, $"{e.Message}");
            if (!started)
            {
                await LocalAnswer.RefuseAsync(answer, "Queue report unavailable - " + e.Message, cancellationToken).ConfigureAwait(false);
            }
        }

        async ValueTask FlushAsync(CancellationToken token)
        {
            started = true;
            await answer.WriteAsync(output.WrittenMemory, token).ConfigureAwait(false);
            output.ResetWrittenCount();
        }
    }

    /// <summary>The zone of the one who asks, where this host knows it.</summary>
    private static TimeZoneInfo Zone(string[] words) =>
        words.Length > 1 && TimeZoneInfo.TryFindSystemTimeZoneById(words[1], out var zone) ? zone : TimeZoneInfo.Local;
}
