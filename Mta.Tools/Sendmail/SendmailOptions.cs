using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Commands;
using Mta.Core.Queue;

namespace Mta.Tools.Sendmail;

/// <summary>The options of sendmail(1), with those that Postfix takes and ignores.</summary>
internal sealed class SendmailOptions
{
    private const string Letters = "A:B:C:F:GILN:O:R:UV:X:ae:b:cf:h:imno:p:r:q:tvx";

    /// <summary>Those of <see cref="Letters"/> that take a value.</summary>
    private static readonly SearchValues<char> ValueLetters = SearchValues.Create("ABCFNORVXbfhoprq");

    private SendmailOptions(SendmailMode mode) => Mode = mode;

    public SendmailMode Mode { get; private set; }

    /// <summary>-C: a directory, or a main.cf in it.</summary>
    public string? ConfigDirectory { get; private set; }

    /// <summary>-f, -r: the envelope sender as given; null when it was not.</summary>
    public string? Sender { get; private set; }

    /// <summary>-F, else the variable NAME; null when neither is there.</summary>
    public string? FullName { get; private set; } = Environment.GetEnvironmentVariable("NAME");

    /// <summary>-t.</summary>
    public bool RecipientsFromHeader { get; private set; }

    /// <summary>Neither -i nor -oi.</summary>
    public bool DotEndsMessage { get; private set; } = true;

    public EnvelopeFlags Flags { get; private set; }

    public DsnNotify Notify { get; private set; }

    public DsnReturn Return { get; private set; }

    /// <summary>-V, in xtext.</summary>
    public string? EnvelopeId { get; private set; }

    /// <summary>-qRsite; null when not given.</summary>
    public string? FlushSite { get; private set; }

    /// <summary>-qIid; null when not given.</summary>
    public string? FlushQueueId { get; private set; }

    /// <summary>-oA: the alias databases to build; null for alias_database.</summary>
    public string? AliasDatabase { get; private set; }

    /// <summary>How often -v was given; for the commands that do the work.</summary>
    public int Verbosity { get; private set; }

    public IReadOnlyList<string> Operands { get; private set; } = [];

    /// <summary>Null, with the reason said, when the options are not understood.</summary>
    public static SendmailOptions? Parse(Terminal terminal, string[] arguments)
    {
        var options = new SendmailOptions(terminal.Name switch
        {
            "mailq" => SendmailMode.ListQueue,
            "newaliases" => SendmailMode.BuildAliases,
            _ => SendmailMode.Deliver,
        });

        // A lone -q has no value, unlike -qRsite: it must not take the next argument.
        if (FindLoneFlush(arguments) is { } lone)
        {
            options.Mode = SendmailMode.Flush;
            arguments = [.. arguments[..lone], .. arguments[(lone + 1)..]];
        }

        var getopt = new Getopt(arguments, Letters);
        while (getopt.TryRead(out var letter))
        {
            if (letter == Getopt.Invalid)
            {
                terminal.Misused(getopt);
                return Refuse(terminal, $"usage: {terminal.Name} [options]");
            }

            if (options.Take(terminal, letter, getopt.Value) is { } problem)
            {
                return Refuse(terminal, problem);
            }
        }

        options.Operands = getopt.Operands;
        if (options.RecipientsFromHeader && options.Mode != SendmailMode.Deliver)
        {
            return Refuse(terminal, "-t can be used only in delivery mode");
        }

        return options.Operands.Count > 0 && options.ModeWithoutRecipients is { } mode ? Refuse(terminal, $"{mode} requires no recipient") : options;
    }

    /// <summary>What the mode is called where recipients make no sense; null where they do, and for a daemon, which is told nothing by them.</summary>
    private string? ModeWithoutRecipients => Mode switch
    {
        SendmailMode.ListQueue => "display queue mode",
        SendmailMode.Smtp => "stand-alone mode",
        SendmailMode.BuildAliases => "alias initialization mode",
        SendmailMode.Flush => FlushSite is not null ? "flush site" : FlushQueueId is not null ? "flush queue_id" : "flush queue mode",
        _ => null,
    };

    /// <summary>Where an argument is -q alone, and no value of the option before it.</summary>
    private static int? FindLoneFlush(string[] arguments)
    {
        for (var i = 0; i < arguments.Length && arguments[i] is ['-', not '-', ..] argument; i++)
        {
            if (argument == "-q")
            {
                return i;
            }

            var letter = argument.AsSpan(1).IndexOfAny(ValueLetters);
            i += letter == argument.Length - 2 ? 1 : 0;
        }

        return null;
    }

    private static SendmailOptions? Refuse(Terminal terminal, string reason)
    {
        terminal.Fatal(reason);
        return null;
    }

    /// <summary>Takes one option; gives what is wrong with it.</summary>
    private string? Take(Terminal terminal, char letter, string value)
    {
        switch (letter)
        {
            case 'B' when value.Equals("8BITMIME", StringComparison.OrdinalIgnoreCase):
                Flags |= EnvelopeFlags.EightBit;
                break;
            case 'B' when value.Equals("7BIT", StringComparison.OrdinalIgnoreCase):
                break;
            case 'B':
                return "-B option needs 8BITMIME or 7BIT";
            case 'C':
                ConfigDirectory = Directory.Exists(value) ? value : Path.GetDirectoryName(Path.GetFullPath(value));
                break;
            case 'F':
                FullName = value;
                break;
            case 'I':
                Mode = SendmailMode.BuildAliases;
                break;
            case 'N':
                TakeNotify(terminal, value);
                break;
            case 'R':
                TakeReturn(terminal, value);
                break;
            case 'V':
                EnvelopeId = ToXtext(value);
                break;
            case 'X' when value.StartsWith('V'):
                return "-XV: variable envelope return paths are not supported";
            case 'b':
                return TakeMode(value);
            case 'f' or 'r':
                Sender = value;
                break;
            case 'i':
                DotEndsMessage = false;
                break;
            case 'o' when value == "A":
                return "-oA requires pathname";
            case 'o' when value.StartsWith('A'):
                AliasDatabase = value[1..];
                break;
            case 'o' when value == "8":
                Flags |= EnvelopeFlags.EightBit;
                break;
            case 'o' when value.StartsWith('i'):
                DotEndsMessage = false;
                break;
            case 'q':
                return TakeFlush(value);
            case 't':
                RecipientsFromHeader = true;
                break;
            case 'v':
                Verbosity++;
                break;
            default:
                // -A -G -L -O -U -X -a -c -e -h -m -n -o -p -x have no meaning here.
                break;
        }

        return null;
    }

    private string? TakeMode(string value)
    {
        switch (value.Length == 1 ? value[0] : '?')
        {
            case 'm':
                Mode = SendmailMode.Deliver;
                return null;
            case 'p':
                Mode = SendmailMode.ListQueue;
                return null;
            case 's':
                Mode = SendmailMode.Smtp;
                return null;
            case 'i':
                Mode = SendmailMode.BuildAliases;
                return null;
            case 'd' or 'l':
                Mode = SendmailMode.Daemon;
                return null;
            case 'h' or 'H':
                return null;
            default:
                return $"unsupported: -b{value}";
        }
    }

    private string? TakeFlush(string value)
    {
        Mode = SendmailMode.Flush;
        switch (value.Length == 0 ? ' ' : value[0])
        {
            case 'R':
                FlushSite = value[1..];
                return FlushSite.Length == 0 ? "-qR: the site is missing" : null;
            case 'I':
                FlushQueueId = value[1..];
                return FlushQueueId.Length == 0 ? "-qI: the queue id is missing" : null;
            case 'S':
                return "-qSsite is not implemented";
            default:
                // An interval: the queue runs by itself.
                Mode = value.Length > 0 && char.IsAsciiDigit(value[0]) ? SendmailMode.Deliver : SendmailMode.Flush;
                return null;
        }
    }

    private void TakeNotify(Terminal terminal, string value)
    {
        var notify = DsnNotify.Default;
        foreach (var word in value.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            var bit = word.ToLowerInvariant() switch
            {
                "never" => DsnNotify.Never,
                "success" => DsnNotify.Success,
                "failure" => DsnNotify.Failure,
                "delay" => DsnNotify.Delay,
                _ => DsnNotify.Default,
            };
            if (bit == DsnNotify.Default)
            {
                terminal.Warning($"unknown DSN NOTIFY command value \"{word}\" in \"{value}\"");
                notify = DsnNotify.Default;
                break;
            }

            notify |= bit;
        }

        if (notify == DsnNotify.Default || (notify.HasFlag(DsnNotify.Never) && notify != DsnNotify.Never))
        {
            terminal.Warning("bad -N option value -- ignored");
            return;
        }

        Notify = notify;
    }

    private void TakeReturn(Terminal terminal, string value)
    {
        switch (value.ToLowerInvariant())
        {
            case "full":
                Return = DsnReturn.Full;
                break;
            case "hdrs":
                Return = DsnReturn.Headers;
                break;
            default:
                terminal.Warning("bad -R option value -- ignored");
                break;
        }
    }

    // RFC 3461 section 4: what is not printable, + and = go as +XX. ENVID has at most 100 characters.
    private static string ToXtext(string value)
    {
        var xtext = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(value))
        {
            if (b is < (byte)'!' or > (byte)'~' or (byte)'+' or (byte)'=')
            {
                xtext.Append(CultureInfo.InvariantCulture, $"+{b:X2}");
            }
            else
            {
                xtext.Append((char)b);
            }
        }

        return xtext.Length <= 100 ? xtext.ToString() : xtext.ToString(0, 100);
    }
}
