using System.Globalization;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;
using Mta.Services.Maps.Tables;

namespace Mta.Services.Clients;

/// <summary>Which users of this host a list such as authorized_mailq_users allows. Root and mail_owner are always allowed.</summary>
internal sealed class LocalUsers(TableRegistry tables, Settings settings)
{
    private readonly string owner = settings.Get(Parameters.MailOwner);

    /// <summary>Null when the user is allowed; else the user as messages name it: <c>alice(1000)</c>.</summary>
    public async ValueTask<string?> RefusedAsync(Parameter<string> list, uint uid, CancellationToken cancellationToken)
    {
        var entry = UnixNames.FindUser(uid);
        var name = entry.IsFound ? entry.Text![..entry.Text!.IndexOf(':', StringComparison.Ordinal)] : "unknown";
        if (uid == 0 || name == owner)
        {
            return null;
        }

        var allowed = await tables.OpenList(settings, list, MatchListKind.Strings).MatchAsync(name, cancellationToken).ConfigureAwait(false);
        return allowed.IsFound ? null : string.Create(CultureInfo.InvariantCulture, $"{name}({uid})");
    }
}
