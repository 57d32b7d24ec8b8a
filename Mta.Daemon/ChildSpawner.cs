using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Master;
using Mta.Services.Net;

namespace Mta.Daemon;

/// <summary>Starts this program again in another part, as another user, with some of our descriptors.</summary>
internal static class ChildSpawner
{
    // Descriptors are made inheritable for the moment of the start, so that only one start may be under way.
    private static readonly Lock Starting = new();

    /// <summary>The services process, as a user of the system.</summary>
    /// <param name="user">Null for the user we are.</param>
    public static Process StartServices(string configurationDirectory, string? user, SafeFileHandle control, SafeFileHandle processLock, bool foreground)
    {
        var start = Program();
        start.ArgumentList.Add("services");
        Add(start, "-c", configurationDirectory);
        Add(start, "--control", Number(control));
        Add(start, "--lock", Number(processLock));
        if (foreground)
        {
            start.ArgumentList.Add("--foreground");
        }

        RuntimeKnobs.Apply(RuntimeKnobs.Services, start.Environment);
        if (user is not null)
        {
            start.UserName = user;
            // Where the database's client looks for .pgpass and certificates.
            start.Environment["HOME"] = SystemAccount.ByName(user)?.Home ?? "/";
        }

        return Start(start, control, processLock);
    }

    /// <summary>
    /// A child for deliveries, as any user: setpriv(1) drops all privileges before the program begins, also for users that are in no
    /// passwd file (virtual_uid_maps).
    /// </summary>
    public static Process StartDelivery(uint uid, uint gid, string? userName, SafeFileHandle socket)
    {
        var program = Program();
        var start = program;
        if (Environment.IsPrivilegedProcess)
        {
            start = new ProcessStartInfo("/usr/bin/setpriv") { WorkingDirectory = "/" };
            Add(start, "--reuid", uid.ToString(CultureInfo.InvariantCulture));
            Add(start, "--regid", gid.ToString(CultureInfo.InvariantCulture));
            start.ArgumentList.Add(userName is null ? "--clear-groups" : "--init-groups");
            start.ArgumentList.Add("--");
            start.ArgumentList.Add(program.FileName);
            foreach (var argument in program.ArgumentList)
            {
                start.ArgumentList.Add(argument);
            }

            start.Environment["HOME"] = "/";
        }

        start.ArgumentList.Add("deliver-child");
        Add(start, "--socket", Number(socket));
        RuntimeKnobs.Apply(RuntimeKnobs.Children, start.Environment);
        return Start(start, socket);
    }

    // Not the path that the kernel has for us: after an upgrade that names a file that is gone.
    private static ProcessStartInfo Program() => new(Path.Combine(AppContext.BaseDirectory, "Mta.Daemon")) { WorkingDirectory = "/" };

    private static Process Start(ProcessStartInfo start, params SafeFileHandle[] inherited)
    {
        lock (Starting)
        {
            try
            {
                foreach (var handle in inherited)
                {
                    Libc.SetInheritable(handle, true);
                }

                return Process.Start(start) ?? throw new MasterException($"{start.FileName} did not start");
            }
            catch (System.ComponentModel.Win32Exception e)
            {
                const int permissionDenied = 13;
                var hint = e.NativeErrorCode == permissionDenied && start.UserName is { Length: > 0 } user
                    ? $" (user {user} must be able to read {AppContext.BaseDirectory} and to pass all directories above it)" : "";
                throw new MasterException($"cannot start {start.FileName}: {e.Message}{hint}");
            }
            finally
            {
                foreach (var handle in inherited)
                {
                    Libc.SetInheritable(handle, false);
                }
            }
        }
    }

    private static void Add(ProcessStartInfo start, string option, string value)
    {
        start.ArgumentList.Add(option);
        start.ArgumentList.Add(value);
    }

    private static string Number(SafeHandle handle) => handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
}
