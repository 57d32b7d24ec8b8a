using System.Net.Sockets;

namespace Mta.Daemon;

/// <summary>The listeners that the services process was given so far, by service and address.</summary>
internal sealed class ListenerCollection
{
    private readonly Dictionary<string, ServiceListener> listeners = new(StringComparer.Ordinal);
    private readonly List<ServiceListener> forgotten = [];

    /// <summary>All that the last order named.</summary>
    public IReadOnlyList<ServiceListener> Current { get; private set; } = [];

    /// <summary>Closes those that the last order did not name any more; once nobody accepts on them.</summary>
    public void CloseForgotten()
    {
        foreach (var listener in forgotten)
        {
            listener.Socket.Dispose();
        }

        forgotten.Clear();
    }

    /// <summary>All that a start or reload names. New ones come with a descriptor; those that are no longer named are forgotten.</summary>
    public IReadOnlyList<ServiceListener> Update(ControlMessage order)
    {
        var named = new List<ServiceListener>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var next = 0;
        foreach (var field in order.Fields)
        {
            var parts = field.Split('\t');
            var key = parts[0] + "\t" + parts[1];
            if (parts[2] == "new")
            {
                var descriptor = order.Descriptors[next++];
                listeners[key] = new ServiceListener(parts[0], new Socket(new SafeSocketHandle(descriptor.DangerousGetHandle(), ownsHandle: true)));
                descriptor.SetHandleAsInvalid();
            }

            keys.Add(key);
            named.Add(listeners[key]);
        }

        foreach (var gone in listeners.Keys.Except(keys).ToList())
        {
            forgotten.Add(listeners[gone]);
            listeners.Remove(gone);
        }

        Current = named;
        return named;
    }
}
