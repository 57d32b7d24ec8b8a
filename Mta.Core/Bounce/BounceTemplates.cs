using Mta.Core.Config;

namespace Mta.Core.Bounce;

/// <summary>The templates of all kinds of reports: those of a file, and the program's for kinds that the file does not have.</summary>
public sealed class BounceTemplates
{
    /// <summary>The From of templates that have none.</summary>
    public const string Sender = "Mail Delivery System <MAILER-DAEMON>";

    /// <summary>The same with header_from_format = obsolete.</summary>
    public const string SenderAsOfOld = "MAILER-DAEMON (Mail Delivery System)";

    /// <summary>The program's own.</summary>
    public static readonly BounceTemplates BuiltIn = new(
    [
        Make(
            "failure",
            "Undelivered Mail Returned to Sender",
            "Postmaster Copy: Undelivered Mail",
            """
            The mail system at $myhostname writes to you.

            Your message did not reach the recipients below, and no further attempt will
            be made. What the report and the returned message say will help the postmaster,
            should you need help.

                    The mail system ($mail_name)
            """),
        Make(
            "delay",
            "Delayed Mail (still being retried)",
            "Postmaster Warning: Delayed Mail",
            """
            The mail system at $myhostname writes to you.

            THIS IS A WARNING ONLY: YOU NEED NOT SEND YOUR MESSAGE AGAIN.

            Your message has not reached the recipients below for $delay_warning_time_hours hour(s).
            It will be tried again until it is $maximal_queue_lifetime_days day(s) old.

                    The mail system ($mail_name)
            """),
        Make(
            "success",
            "Successful Mail Delivery Report",
            null,
            """
            The mail system at $myhostname writes to you.

            You asked to be told: your message was delivered to the recipients below, or
            passed on to a system that may not tell you more.

                    The mail system ($mail_name)
            """),
        Make(
            "verify",
            "Mail Delivery Status Report",
            null,
            """
            The mail system at $myhostname writes to you.

            You asked what would become of mail to the recipients below.

                    The mail system ($mail_name)
            """),
    ]);

    private readonly BounceTemplate[] templates;

    private BounceTemplates(BounceTemplate[] templates) => this.templates = templates;

    /// <summary>In the order failure, delay, success, verify.</summary>
    public IReadOnlyList<BounceTemplate> All => templates;

    public BounceTemplate Failure => templates[0];

    public BounceTemplate Delay => templates[1];

    public BounceTemplate Success => templates[2];

    public BounceTemplate Verify => templates[3];

    /// <summary>
    /// Reads a template file. A template that is no good is left out, and <paramref name="warn"/> hears why; null, with the reason in
    /// <paramref name="error"/>, when the file as a whole cannot be read.
    /// </summary>
    /// <param name="file">The name that messages have.</param>
    /// <param name="text">The file's bytes, one character each.</param>
    public static BounceTemplates? Parse(string file, string text, Action<string> warn, out string? error)
    {
        var templates = BuiltIn.templates.ToArray();
        var lines = new LineReader(text);
        error = null;
        while (lines.TryRead(out var line))
        {
            if (line.AsSpan().TrimStart(Space.Characters) is [] or ['#', ..])
            {
                continue;
            }

            if (!MainCf.TrySplit(line, out var name, out var value, out error))
            {
                error = $"{file}, line {lines.Next}: {error}: \"{line}\"";
                return null;
            }

            List<string> body = [value];
            if (value.StartsWith("<<", StringComparison.Ordinal))
            {
                var marker = value.AsSpan(2).Trim(Space.Characters).ToString();
                if (marker.Length == 0 || !char.IsAsciiLetterOrDigit(marker[0]))
                {
                    error = $"{file}, line {lines.Next}: {(marker.Length == 0 ? "missing" : "malformed")} end marker after <<";
                    return null;
                }

                body = lines.ReadTo(marker, () => warn($"{file}, line {lines.Next}: missing \"{marker}\" end marker"));
            }

            var index = Array.FindIndex(templates, t => name == t.Kind + "_template");
            if (index < 0)
            {
                warn($"{file}, line {lines.Next}: unknown template name: {name} -- ignoring this template");
            }
            else if (BounceTemplateReader.Read(BuiltIn.templates[index] with { File = file }, body, out var problem) is { } template)
            {
                templates[index] = template;
            }
            else
            {
                templates[index] = BuiltIn.templates[index];
                Array.ForEach(problem.Split('\n'), warn);
            }
        }

        return new BounceTemplates(templates);
    }

    private static BounceTemplate Make(string kind, string subject, string? postmasterSubject, string text) => new()
    {
        Kind = kind,
        Charset = "us-ascii",
        From = Sender,
        Subject = subject,
        PostmasterSubject = postmasterSubject,
        Text = text.ReplaceLineEndings("\n").Split('\n'),
        File = BounceTemplate.NoFile,
    };

    private sealed class LineReader(string text)
    {
        private int at;
        private bool isWhole;

        /// <summary>The number of the line after the one that was read last, from 1: the place of a problem, as Postfix counts.</summary>
        public int Next { get; private set; } = 1;

        public bool TryRead(out string line)
        {
            line = "";
            if (at >= text.Length)
            {
                return false;
            }

            var end = text.IndexOf('\n', at);
            line = text[at..(end < 0 ? text.Length : end)];
            at = end < 0 ? text.Length : end + 1;
            isWhole = end >= 0;
            Next++;
            return true;
        }

        /// <summary>The lines up to the one that is the marker and nothing else.</summary>
        public List<string> ReadTo(string marker, Action missing)
        {
            var lines = new List<string>();
            while (TryRead(out var line))
            {
                if (line == marker)
                {
                    // As Postfix has it, the marker is a whole line, with its end.
                    if (!isWhole)
                    {
                        missing();
                    }

                    return lines;
                }

                lines.Add(line);
            }

            missing();
            return lines;
        }
    }
}
