using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mta.Daemon;

/// <summary>What master and the services process say to each other.</summary>
internal enum ControlVerb
{
    /// <summary>To services: begin, with these listeners (fields: service names; a descriptor each).</summary>
    Start,
    /// <summary>To services: read the configuration again; the listeners are all that there are from now on. Those that were there before have no descriptor.</summary>
    Reload,
    /// <summary>To services: end in good order.</summary>
    Stop,
    /// <summary>To services: end at once.</summary>
    Abort,
    /// <summary>From services: all that was asked for by start or reload is done.</summary>
    Ready,
    /// <summary>From services: start or reload failed, for the reason in the field.</summary>
    Failed,
    /// <summary>From services: a child process is wanted (fields: number, uid, gid). Back: number, and a descriptor or the reason why not.</summary>
    Child,
    /// <summary>From services: maillog_file is to be opened (field: number). Back: number, and a descriptor or the reason why not.</summary>
    Log,
    /// <summary>Carries descriptors of the message that follows, which has more than one packet takes.</summary>
    More,
    /// <summary>Within services: values in SQL have changed. Not sent.</summary>
    Parameters,
}

/// <summary>One message of the control channel. Fields hold no newline.</summary>
internal sealed record ControlMessage(ControlVerb Verb, IReadOnlyList<string> Fields, IReadOnlyList<SafeHandle> Descriptors)
{
    public ControlMessage(ControlVerb verb, params string[] fields)
        : this(verb, fields, [])
    {
    }

    public byte[] Encode() => Encoding.UTF8.GetBytes(string.Join('\n', Fields.Select(f => f.Replace('\n', ' ')).Prepend(Verb.ToString())));

    /// <summary>Null for what is no message of ours.</summary>
    public static ControlMessage? Decode(ReadOnlySpan<byte> bytes, IReadOnlyList<SafeFileHandle> descriptors)
    {
        var parts = Encoding.UTF8.GetString(bytes).Split('\n');
        return Enum.TryParse<ControlVerb>(parts[0], out var verb) ? new ControlMessage(verb, parts[1..], descriptors) : null;
    }
}
