using Mta.Core.Lookup;
using Mta.Services.Checks;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup.Checks;

/// <summary>The log lines of header and body checks for one message.</summary>
/// <param name="sender">The envelope sender, completed.</param>
/// <param name="recipient">The last recipient, completed; null for none.</param>
internal sealed class CheckLog(MailLog log, CleanupRequest request, string idText, string sender, string? recipient)
{
    private const int LongestContent = 200;
    private const int LongestErrorText = 100;

    private readonly string origin = request.Protocol.Length == 0 && request.ClientPort == 0 ? "local" : $"{request.ClientName}[{request.ClientAddress}]";

    /// <param name="action">The action's word in the log: <c>reject</c>, <c>warning</c> ...</param>
    /// <param name="where"><c>header</c> or <c>body</c>.</param>
    public void Action(string action, string where, ReadOnlySpan<byte> content, string text)
    {
        var shown = CheckText.Printable(content[..Math.Min(content.Length, LongestContent)]);
        var to = recipient is null ? "" : $" to=<{recipient}>";
        var protocol = request.Protocol.Length == 0 ? "" : $" proto={request.Protocol}";
        var helo = request.Helo.Length == 0 ? "" : $" helo=<{request.Helo}>";
        var reason = text.Length == 0 ? "" : ": " + CheckText.Printable(text);
        log.Info(CleanupService.Tag, $"{idText}: {action}: {where} {shown} from {origin}; from=<{sender}>{to}{protocol}{helo}{reason}");
    }

    public void MimeError(string error, ReadOnlySpan<byte> text)
    {
        var shown = CheckText.Printable(text[..Math.Min(text.Length, LongestErrorText)]);
        log.Info(CleanupService.Tag, $"{idText}: reject: mime-error {error}: {shown} from {origin}; from=<{sender}> to=<{recipient ?? "unknown"}>");
    }

    public void LookupProblem(string map, in LookupResult failure)
    {
        log.LookupFailure(CleanupService.Tag, failure);
        log.Warning(CleanupService.Tag, $"{idText}: {map} map lookup problem -- message not accepted, try again later");
    }

    /// <summary>A rule that cannot be followed; it is left out.</summary>
    public void BadRule(string text) => log.Warning(CleanupService.Tag, $"{text}");
}
