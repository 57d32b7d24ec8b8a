using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Services.Clients;

namespace Mta.Services.Bounce;

/// <summary>The part for people.</summary>
internal sealed class ReportText(Settings settings)
{
    private const int LineLength = 79;
    private const string Indent = "    ";

    private readonly string hostname = settings.Get(Parameters.Myhostname);
    private readonly string mailName = settings.Get(Parameters.MailName);
    private readonly TimeSpan lifetime = settings.Get(Parameters.MaximalQueueLifetime);

    public static string Subject(NotificationKind kind) => kind switch
    {
        NotificationKind.NonDelivery => "Undelivered Mail Returned to Sender",
        NotificationKind.Delay => "Delayed Mail (still being retried)",
        _ => "Successful Mail Delivery Report",
    };

    public string Notification(NotificationKind kind, IReadOnlyList<RecipientOutcome> outcomes, TimeSpan age)
    {
        var text = new StringBuilder($"The mail system at {hostname} writes to you.\n\n");
        text.Append(kind switch
        {
            NotificationKind.NonDelivery =>
                "Your message did not reach the recipients below, and no further attempt will\n"
                + "be made. What the report and the returned message say will help the postmaster,\n"
                + "should you need help.\n",
            NotificationKind.Delay =>
                "THIS IS A WARNING ONLY: YOU NEED NOT SEND YOUR MESSAGE AGAIN.\n\n"
                + $"Your message has not reached the recipients below for {Hours(age)}.\n"
                + $"It will be tried again until it is {Days(lifetime)} old.\n",
            _ =>
                "You asked to be told: your message was delivered to the recipients below, or\n"
                + "passed on to a system that may not tell you more.\n",
        });
        text.Append($"\n{Indent}{Indent}The mail system ({mailName})\n");
        foreach (var outcome in outcomes)
        {
            text.Append('\n');
            AppendRecipient(text, outcome);
        }

        return text.ToString();
    }

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

    private static string Hours(TimeSpan span) => span.TotalHours < 2 ? "an hour" : $"{(int)span.TotalHours} hours";

    private static string Days(TimeSpan span) => span.TotalDays < 2 ? $"{(int)span.TotalHours} hours" : $"{(int)span.TotalDays} days";
}
