using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Bounce;
using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;

namespace Mta.Services.Bounce;

/// <summary>The part for people: the text of a template, and each recipient with what became of it.</summary>
internal sealed class ReportText(BounceTemplates templates, Settings settings, MailLog log)
{
    private const string Tag = "bounce";
    private const int LineLength = 79;
    private const string Indent = "    ";

    private readonly Prepared failure = new(templates.Failure, BounceTemplates.BuiltIn.Failure, settings, log);
    private readonly Prepared delay = new(templates.Delay, BounceTemplates.BuiltIn.Delay, settings, log);
    private readonly Prepared success = new(templates.Success, BounceTemplates.BuiltIn.Success, settings, log);

    /// <summary>The templates of bounce_template_file; the program's own where there are none, or none that can be used.</summary>
    public static BounceTemplates Load(Settings settings, MailLog log)
    {
        if (BounceTemplateFile.Read(settings.Get(Parameters.BounceTemplateFile), w => log.Warning(Tag, $"{w}"), out var error) is { } templates)
        {
            return templates;
        }

        log.Warning(Tag, $"{error} -- the built-in templates are used");
        return BounceTemplates.BuiltIn;
    }

    public BounceTemplate Template(NotificationKind kind) => For(kind).Template;

    /// <summary>The bytes of the part, of the template's charset.</summary>
    public byte[] Notification(NotificationKind kind, IReadOnlyList<RecipientOutcome> outcomes)
    {
        var text = new StringBuilder();
        foreach (var outcome in outcomes)
        {
            text.Append('\n');
            AppendRecipient(text, outcome);
        }

        return [.. For(kind).Text, .. Encoding.UTF8.GetBytes(text.ToString())];
    }

    private Prepared For(NotificationKind kind) => kind switch
    {
        NotificationKind.NonDelivery => failure,
        NotificationKind.Delay => delay,
        _ => success,
    };

    private static void AppendRecipient(StringBuilder text, RecipientOutcome outcome)
    {
        var (recipient, status) = outcome;
        var who = $"<{AddressQuoting.ToExternal(recipient.Address)}>";
        if (recipient.Original is { } original && !original.Equals(recipient.Address, StringComparison.OrdinalIgnoreCase))
        {
            who += $" (expanded from <{AddressQuoting.ToExternal(original)}>)";
        }

        var length = 0;
        foreach (var word in $"{who}: {status.Text}".Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (length > 0 && length + 1 + word.Length > LineLength)
            {
                text.Append('\n').Append(Indent);
                length = Indent.Length;
            }
            else if (length > 0)
            {
                text.Append(' ');
                length++;
            }

            text.Append(word);
            length += word.Length;
        }

        text.Append('\n');
    }

    /// <summary>A template with its text, which is made when the first report needs it.</summary>
    private sealed class Prepared
    {
        private readonly Lazy<(BounceTemplate Template, byte[] Text)> made;

        public Prepared(BounceTemplate wanted, BounceTemplate builtIn, Settings settings, MailLog log) => made = new(() =>
        {
            if (Expand(wanted, out var error) is { } text)
            {
                return (wanted, text);
            }

            log.Warning(Tag, $"{error} -- the built-in template is used");
            return (builtIn, Expand(builtIn, out _)!);

            byte[]? Expand(BounceTemplate template, out string? error)
            {
                var expanded = template.Expand(settings, ToBytes, w => log.Warning(Tag, $"{w}"), out error);
                return expanded is null ? null : Encoding.Latin1.GetBytes(expanded);
            }
        });

        public BounceTemplate Template => made.Value.Template;

        public byte[] Text => made.Value.Text;

        private static string ToBytes(string value) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value));
    }
}
