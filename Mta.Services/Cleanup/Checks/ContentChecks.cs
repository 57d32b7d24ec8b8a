using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Headers;
using Mta.Core.Lookup;
using Mta.Core.Mime;
using Mta.Services.Checks;
using Mta.Services.Clients;
using Mta.Storage.Queue;

namespace Mta.Services.Cleanup.Checks;

/// <summary>
/// header_checks(5) for one message: its fields and lines are looked up in tables as they come in, and what the rules say is done with
/// them at once, or remembered for the message as a whole. Also refuses what the strict_* parameters do not allow.
/// <para>
/// Lookups may take time, so content waits here until <see cref="RunAsync"/>; then all of it that is complete goes on to the output.
/// </para>
/// </summary>
/// <param name="converted">The content has been converted to 7 bits.</param>
internal sealed class ContentChecks(ContentRules rules, bool converted, MessageActions actions, CheckLog log)
{
    private readonly MimeReader reader = new(rules.Mime);

    /// <summary>Rules are asked: until one says PASS, or something final.</summary>
    private bool asks = true;
    private bool headerEnded;
    private bool lineIsOpen;

    /// <summary>A rule rejects the message, or a table failed.</summary>
    private CleanupResult? rejection;

    /// <summary>Why the message is refused; null while it is not.</summary>
    public CleanupResult? Refusal =>
        rejection ?? (reader.Errors == MimeErrors.None
            ? null
            : new CleanupResult(CleanupOutcome.ContentRejected, MimeErrorText.Of(reader.Errors), MimeErrorText.Dsn));

    /// <summary>Nothing more is looked at or stored: the message is refused or thrown away.</summary>
    public bool IsOver => rejection is not null || actions.Discard;

    public void Append(ReadOnlySpan<byte> content)
    {
        if (!IsOver)
        {
            reader.Append(content);
        }
    }

    /// <summary>Looks at what has come in.</summary>
    /// <param name="isLast">Nothing more comes: the last line is complete although nothing ends it.</param>
    public async ValueTask RunAsync(bool isLast, IContentOutput output, CancellationToken cancellationToken)
    {
        if (isLast)
        {
            reader.Complete();
        }

        while (!IsOver)
        {
            var item = reader.Read();
            foreach (var (error, text) in reader.NewErrors)
            {
                log.MimeError(MimeErrorText.Of(error), text);
            }

            switch (item)
            {
                case MimeItem.Header:
                    await HeaderAsync(output, cancellationToken).ConfigureAwait(false);
                    break;
                case MimeItem.HeaderEnd:
                    headerEnded = true;
                    output.EndHeader();
                    break;
                case MimeItem.Body:
                    await BodyAsync(output, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    End(isLast, output);
                    return;
            }
        }
    }

    private void End(bool isLast, IContentOutput output)
    {
        if (isLast && lineIsOpen)
        {
            output.Write("\n"u8);
        }
    }

    private async ValueTask HeaderAsync(IContentOutput output, CancellationToken cancellationToken)
    {
        var field = reader.Text;
        var tables = rules.For(converted ? reader.ConvertedClass : reader.Class);
        if (asks && !tables.IsEmpty)
        {
            var rule = await AskAsync(tables, field, cancellationToken).ConfigureAwait(false);
            if (rule is { } found)
            {
                var content = field.Span;
                switch (found.Action)
                {
                    case CheckAction.Prepend when Usable("PREPEND", found.Text, tables.Name, isHeader: true):
                        log.Action("prepend", "header", content, found.Text);
                        output.Write(Line(found.Text));
                        break;
                    case CheckAction.Replace when Usable("REPLACE", found.Text, tables.Name, isHeader: true):
                        log.Action("replace", "header", content, found.Text);
                        WriteHeader(output, Encoding.Latin1.GetBytes(found.Text));
                        return;
                    case CheckAction.Prepend or CheckAction.Replace:
                        break;
                    case CheckAction.Strip:
                        log.Action("strip", "header", content, found.Text);
                        return;
                    case CheckAction.Ignore:
                        return;
                    default:
                        Act(found, "header", content, tables.Name);
                        break;
                }
            }
        }

        if (!IsOver)
        {
            WriteHeader(output, field.Span);
        }
    }

    private async ValueTask BodyAsync(IContentOutput output, CancellationToken cancellationToken)
    {
        var line = reader.Text;
        var endsLine = reader.EndsLine;
        var tables = rules.Body;
        lineIsOpen = !endsLine;
        if (asks && !tables.IsEmpty && (rules.BodySizeLimit == 0 || reader.Offset < rules.BodySizeLimit)
            && await AskAsync(tables, line, cancellationToken).ConfigureAwait(false) is { } rule)
        {
            var content = line.Span;
            switch (rule.Action)
            {
                case CheckAction.Prepend when Usable("PREPEND", rule.Text, tables.Name, isHeader: false):
                    log.Action("prepend", "body", content, rule.Text);
                    output.Write(Line(rule.Text));
                    break;
                case CheckAction.Replace when Usable("REPLACE", rule.Text, tables.Name, isHeader: false):
                    log.Action("replace", "body", content, rule.Text);
                    WriteLine(output, Encoding.Latin1.GetBytes(rule.Text), endsLine);
                    return;
                case CheckAction.Prepend or CheckAction.Replace:
                    break;
                case CheckAction.Strip:
                    log.Action("strip", "body", content, rule.Text);
                    lineIsOpen = false;
                    return;
                case CheckAction.Ignore:
                    lineIsOpen = false;
                    return;
                default:
                    Act(rule, "body", content, tables.Name);
                    break;
            }
        }

        if (!IsOver)
        {
            WriteLine(output, line.Span, endsLine);
        }
    }

    private async ValueTask<CheckRule?> AskAsync(CheckTables tables, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var found = await tables.Tables.FindAsync(Encoding.Latin1.GetString(content.Span), cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            log.LookupProblem(tables.Name, found);
            rejection = new CleanupResult(CleanupOutcome.WriteError);
            return null;
        }

        if (found.Outcome == LookupOutcome.NotFound)
        {
            return null;
        }

        var rule = CheckRule.Parse(found.Value);
        if (rule.Action == CheckAction.Unknown)
        {
            log.BadRule($"unknown command in {tables.Name} map: {CheckText.Printable(found.Value)}");
            return null;
        }

        return rule;
    }

    /// <summary>What a rule asks for the message as a whole; the field or line itself stays.</summary>
    private void Act(CheckRule rule, string where, ReadOnlySpan<byte> content, string map)
    {
        var text = rule.Text;
        switch (rule.Action)
        {
            case CheckAction.Reject:
                Reject(text, where, content);
                break;
            case CheckAction.Warn:
                log.Action("warning", where, content, text);
                break;
            case CheckAction.Info:
                log.Action("info", where, content, text);
                break;
            case CheckAction.Pass:
                log.Action("pass", where, content, text);
                asks = false;
                break;
            case CheckAction.Discard:
                log.Action("discard", where, content, text);
                actions.Discard = true;
                break;
            case CheckAction.Hold when actions.Hold == HoldReason.None:
                log.Action("hold", where, content, text);
                actions.Hold = where == "header" ? HoldReason.HeaderChecks : HoldReason.BodyChecks;
                break;
            case CheckAction.Filter when text.Length == 0:
                log.BadRule($"missing FILTER command argument in {map} map");
                break;
            case CheckAction.Filter when !text.Contains(':', StringComparison.Ordinal):
                log.BadRule($"bad FILTER command {CheckText.Printable(text)} in {map} -- need transport:destination");
                break;
            case CheckAction.Filter:
                log.Action("filter", where, content, text);
                actions.Filter = CheckText.Printable(text);
                break;
            case CheckAction.Redirect when !text.Contains('@', StringComparison.Ordinal):
                log.BadRule($"bad REDIRECT target \"{CheckText.Printable(text)}\" in {map} map -- need user@domain");
                break;
            case CheckAction.Redirect:
                log.Action("redirect", where, content, text);
                actions.Redirect = CheckText.Printable(text);
                asks = false;
                break;
            case CheckAction.Bcc when !text.Contains('@', StringComparison.Ordinal):
                log.BadRule($"bad BCC address \"{CheckText.Printable(text)}\" in {map} map -- need user@domain");
                break;
            case CheckAction.Bcc:
                log.Action("bcc", where, content, text);
                actions.AddBcc(CheckText.Printable(text));
                break;
        }
    }

    private void Reject(string text, string where, ReadOnlySpan<byte> content)
    {
        var reason = DsnText.Parse(text.Length == 0 ? "message content rejected" : text);
        var dsn = reason.Dsn ?? "5.7.1";
        if (dsn[0] == '2')
        {
            log.BadRule($"bad DSN action in {CheckText.Printable(text)} -- need 4.x.x or 5.x.x");
            dsn = "4" + dsn[1..];
        }

        log.Action("reject", where, content, $"{dsn} {reason.Text}");
        rejection = new CleanupResult(CleanupOutcome.ContentRejected, CheckText.Printable(reason.Text), dsn);
    }

    /// <summary>A rule whose text is of no use is left out.</summary>
    private bool Usable(string action, string text, string map, bool isHeader)
    {
        if (CheckText.Problem(action, text, map, isHeader) is { } problem)
        {
            log.BadRule(problem);
            return false;
        }

        return true;
    }

    private void WriteHeader(IContentOutput output, ReadOnlySpan<byte> field)
    {
        if (headerEnded)
        {
            WriteLine(output, field, endsLine: true);
        }
        else
        {
            output.Header(field);
        }
    }

    private static void WriteLine(IContentOutput output, ReadOnlySpan<byte> line, bool endsLine)
    {
        output.Write(line);
        if (endsLine)
        {
            output.Write("\n"u8);
        }
    }

    private static byte[] Line(string text) => Encoding.Latin1.GetBytes(text + "\n");
}
