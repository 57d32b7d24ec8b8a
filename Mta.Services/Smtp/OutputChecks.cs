using System.Buffers;
using System.Text;
using Mta.Core.Headers;
using Mta.Core.Lookup;
using Mta.Services.Checks;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtp;

/// <summary>What a rule leaves of a field or line; no text when it is left out.</summary>
internal readonly record struct CheckedText(ReadOnlyMemory<byte>? Text, bool IsFailed = false);

/// <summary>
/// The actions of header_checks(5) that a client has: those that change the field or line, or log. The message is accepted and under way,
/// so that what would refuse, redirect or hold it is warned of and left out.
/// </summary>
internal sealed class OutputChecks(DeliveryRequest request, MailLog log)
{
    private const int LongestContent = 60;

    /// <summary>Looks a field or line up, and does what the rule says; what it puts in front goes to the output.</summary>
    /// <param name="where"><c>header</c> or <c>body</c>.</param>
    public async ValueTask<CheckedText> AskAsync(
        CheckTables tables, string where, ReadOnlyMemory<byte> content, ArrayBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        var found = await tables.Tables.FindAsync(Encoding.Latin1.GetString(content.Span), cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            log.LookupFailure(request.LogTag, found);
            log.Warning(request.LogTag, $"{request.Envelope.Id}: smtp {where} checks lookup error");
            return new CheckedText(null, IsFailed: true);
        }

        if (found.Outcome == LookupOutcome.NotFound)
        {
            return new CheckedText(content);
        }

        var rule = CheckRule.Parse(found.Value);
        switch (rule.Action)
        {
            case CheckAction.Prepend when CheckText.Problem("PREPEND", rule.Text, tables.Name, where == "header") is { } problem:
                log.Warning(request.LogTag, $"{problem}");
                break;
            case CheckAction.Prepend:
                Log("prepend", where, content.Span, rule.Text);
                output.Write(Encoding.Latin1.GetBytes(rule.Text + "\n"));
                break;
            case CheckAction.Replace when CheckText.Problem("REPLACE", rule.Text, tables.Name, where == "header") is { } problem:
                log.Warning(request.LogTag, $"{problem}");
                break;
            case CheckAction.Replace:
                Log("replace", where, content.Span, rule.Text);
                return new CheckedText(Encoding.Latin1.GetBytes(rule.Text));
            case CheckAction.Strip:
                Log("strip", where, content.Span, rule.Text);
                return default;
            case CheckAction.Ignore:
                return default;
            case CheckAction.Warn:
                Log("warning", where, content.Span, rule.Text);
                break;
            case CheckAction.Info:
                Log("info", where, content.Span, rule.Text);
                break;
            case CheckAction.Dunno:
                break;
            default:
                log.Warning(request.LogTag, $"unsupported command in {tables.Name} map: {CheckText.Printable(found.Value)}");
                break;
        }

        return new CheckedText(content);
    }

    private void Log(string action, string where, ReadOnlySpan<byte> content, string text)
    {
        var shown = CheckText.Printable(content[..Math.Min(content.Length, LongestContent)]);
        log.Info(request.LogTag, $"{request.Envelope.Id}: {action}: {where} {shown}{(text.Length == 0 ? "" : ": ")}{CheckText.Printable(text)}");
    }
}
