using System.Net.Sockets;
using Mta.Services.Clients;

namespace Mta.Services.Postlogd;

/// <summary>Lines to the system's log daemon, one datagram each, with the priority that syslog(3) would write.</summary>
public sealed class SyslogSink : BufferedLogSink
{
    public const string SystemSocket = "/dev/log";

    private readonly string path;
    private readonly int facility;
    private Socket? socket;

    private SyslogSink(TimeProvider time, LinePrefix prefix, string path, int facility, Socket socket)
        : base(time, prefix)
    {
        this.path = path;
        this.facility = facility;
        this.socket = socket;
    }

    /// <summary>Null when nobody listens.</summary>
    internal static SyslogSink? TryCreate(TimeProvider time, LinePrefix prefix, string path, string facility) =>
        Connect(path) is { } socket ? new SyslogSink(time, prefix, path, FacilityNumber(facility), socket) : null;

    public override void Reopen()
    {
        socket?.Dispose();
        socket = Connect(path);
    }

    protected override int WritePriority(LogSeverity severity, Span<byte> destination)
    {
        // RFC 3164 section 4.1.1: facility and level; LOG_INFO is 6, LOG_WARNING 4, LOG_ERR 3, LOG_CRIT 2.
        var level = severity switch
        {
            LogSeverity.Info => 6,
            LogSeverity.Warning => 4,
            LogSeverity.Error => 3,
            _ => 2,
        };
        destination[0] = (byte)'<';
        ((facility * 8) + level).TryFormat(destination[1..], out var digits, default, System.Globalization.CultureInfo.InvariantCulture);
        destination[digits + 1] = (byte)'>';
        return digits + 2;
    }

    protected override void WriteLines(ReadOnlySpan<byte> lines)
    {
        while (lines.IndexOf((byte)'\n') is >= 0 and var end)
        {
            Send(lines[..end]);
            lines = lines[(end + 1)..];
        }
    }

    protected override void Close() => socket?.Dispose();

    private void Send(ReadOnlySpan<byte> line)
    {
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                socket ??= Connect(path);
                socket?.Send(line);
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.MessageSize)
            {
                line = line[..(line.Length / 2)];
            }
            catch (SocketException)
            {
                // The log daemon was started anew.
                socket?.Dispose();
                socket = null;
            }
        }
    }

    private static Socket? Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    // syslog.h
    private static int FacilityNumber(string name) => name.ToLowerInvariant() switch
    {
        "kern" => 0,
        "user" => 1,
        "daemon" => 3,
        "auth" => 4,
        "syslog" => 5,
        "lpr" => 6,
        "news" => 7,
        "uucp" => 8,
        "cron" => 9,
        "authpriv" => 10,
        "ftp" => 11,
        "local0" => 16,
        "local1" => 17,
        "local2" => 18,
        "local3" => 19,
        "local4" => 20,
        "local5" => 21,
        "local6" => 22,
        "local7" => 23,
        _ => 2,
    };
}
