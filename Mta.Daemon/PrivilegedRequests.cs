using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Master;
using Mta.Services.Net;
using Mta.Services.Postlogd;

namespace Mta.Daemon;

/// <summary>What master does for the services process because that one may not: children that run as other users, and opening the log file.</summary>
internal sealed class PrivilegedRequests(MailLog log)
{
    /// <summary>Called on the control channel's thread: one request after another.</summary>
    public void Answer(ControlChannel control, ControlMessage request, Settings settings)
    {
        var number = request.Fields[0];
        try
        {
            using var descriptor = request.Verb == ControlVerb.Log ? OpenLog(settings) : StartChild(request.Fields);
            control.Send(new ControlMessage(request.Verb, [number], [descriptor]));
        }
        catch (Exception e) when (e is MasterException or IOException or FormatException or UnauthorizedAccessException)
        {
            log.Warning("master", $"{e.Message}");
            control.Send(new ControlMessage(request.Verb, number, e.Message));
        }
    }

    // The file of the configuration, whatever the other side asks for.
    private static SafeFileHandle OpenLog(Settings settings) =>
        FileLogSink.OpenForAppend(settings.Get(Parameters.MaillogFile), LogSinks.Permissions(settings));

    private static SafeFileHandle StartChild(IReadOnlyList<string> fields)
    {
        var uid = uint.Parse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture);
        var gid = uint.Parse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture);
        if (fields[3] != "delivery")
        {
            throw new MasterException($"no such service for a child process: {fields[3]}");
        }

        // Network services can ask for any user, so root's rights are never given away here.
        if (uid == 0 || gid == 0)
        {
            throw new MasterException("refusing to deliver with root's rights (make an alias for root)");
        }

        if (!Environment.IsPrivilegedProcess && Libc.OwnerOf("/proc/self") != uid)
        {
            throw new MasterException(string.Create(CultureInfo.InvariantCulture, $"cannot act as user {uid}: the mail system was not started by root"));
        }

        var (ours, theirs) = Libc.SocketPair(packets: false);
        using (theirs)
        {
            using Process child = ChildSpawner.StartDelivery(uid, gid, SystemAccount.ByUid(uid)?.Name, theirs);
        }

        return ours;
    }
}
