using System.Text;

namespace Mta.Services.Net;

/// <summary>The first line of an answer at a socket of <c>public</c>.</summary>
internal static class LocalAnswer
{
    public const string Ok = "ok";

    public static Task AcceptAsync(Stream answer, CancellationToken cancellationToken) => answer.WriteAsync("ok\n"u8.ToArray(), cancellationToken).AsTask();

    /// <summary>The reason goes to whoever runs the command.</summary>
    public static Task RefuseAsync(Stream answer, string reason, CancellationToken cancellationToken) =>
        answer.WriteAsync(Encoding.UTF8.GetBytes(reason.ReplaceLineEndings(" ") + "\n"), cancellationToken).AsTask();
}
