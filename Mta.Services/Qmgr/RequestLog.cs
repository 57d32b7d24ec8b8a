using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>How the log says that a request was done: in postsuper's words.</summary>
internal static class RequestLog
{
    public static string Word(RequestedAction? action) => action switch
    {
        RequestedAction.Hold => "placed on hold",
        RequestedAction.Delete => "removed",
        RequestedAction.Requeue => "requeued",
        RequestedAction.Bounce => "returned to sender",
        RequestedAction.HandBack => "returned to the incoming queue",
        _ => "expired",
    };
}
