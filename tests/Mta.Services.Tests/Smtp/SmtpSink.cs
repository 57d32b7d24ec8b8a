using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Tests.Smtp;

/// <summary>Debian's smtp-sink on a port of its own, with its switches for misbehaviour.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private readonly Process process;
    private readonly string directory;

    private SmtpSink(Process process, string directory, int port)
    {
        this.process = process;
        this.directory = directory;
        Port = port;
    }

    public int Port { get; }

    public string Nexthop => $"[127.0.0.1]:{Port}";

    public static async Task<SmtpSink> StartAsync(params string[] switches)
    {
        var directory = Directory.CreateTempSubdirectory("mta-sink").FullName;
        var port = FreePort();
        string[] user = Environment.UserName == "root" ? ["-u", "nobody"] : [];
        var process = Process.Start("smtp-sink", [.. user, .. switches, $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}", "100"]);
        var sink = new SmtpSink(process, directory, port);
        while (!await ListensAsync(port))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException("smtp-sink does not start: is the Debian package postfix installed?");
            }
        }

        return sink;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private static async Task<bool> ListensAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            await Task.Yield();
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
