using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd;

/// <summary>The command loop: from bytes to a verb's two functions, with the limits on errors.</summary>
internal sealed partial class SmtpdSession
{
    private async ValueTask ConverseAsync(CancellationToken stop)
    {
        while (!hangUp)
        {
            if (Errors >= Config.HardErrorLimit && !StandAlone)
            {
                replies.Add(Config.TooManyErrors);
                endReason = "too many errors";
                return;
            }

            if (Input.TryTakeLine(out var line, out var bareLf))
            {
                await HandleAsync(line, bareLf, stop).ConfigureAwait(false);
                if (Errors >= Config.SoftErrorLimit && !StandAlone && Config.ErrorSleepTime > TimeSpan.Zero)
                {
                    Stream.ClearDeadline();
                    await Task.Delay(Config.ErrorSleepTime, environment.Time, stop).ConfigureAwait(false);
                }

                if (replies.Length < MostPendingReplies || await SendRepliesAsync(stop).ConfigureAwait(false))
                {
                    continue;
                }

                EndOfInput();
                return;
            }

            DropLongLine();
            if (!await ReceiveAsync(stop).ConfigureAwait(false))
            {
                EndOfInput();
                return;
            }
        }
    }

    // A line that never ends must not fill the buffer: its start is dropped, and the command is refused when its end comes.
    private void DropLongLine()
    {
        var pending = Input.Pending;
        if (pending.Length > Config.LineLengthLimit + 1 && pending.IndexOf((byte)'\n') < 0)
        {
            if (!skippingLine)
            {
                WarnOfLongLine(pending);
            }

            skippingLine = true;
            Input.Purge();
        }
    }

    private void WarnOfLongLine(ReadOnlySpan<byte> line) =>
        Log.Warning(Tag, $"{Client.Tag}: request longer than {Config.LineLengthLimit}: {line[..Math.Min(line.Length, 30)]}...");

    private ValueTask HandleAsync(ReadOnlyMemory<byte> line, bool bareLf, CancellationToken stop)
    {
        failed = false;
        if (skippingLine || line.Length > Config.LineLengthLimit)
        {
            if (!skippingLine)
            {
                WarnOfLongLine(line.Span);
            }

            skippingLine = false;
            return Refuse(Config.CommandTooLong);
        }

        if (bareLf && !BareNewlineExcluded)
        {
            sawBareLf = true;
            if (Config.BareNewline == BareNewlinePolicy.Reject)
            {
                return Refuse(Config.BareLfReceived);
            }
        }

        if (!CommandLine.IsValidUtf8(line.Span))
        {
            return Refuse(ProtocolReplies.BadUtf8);
        }

        var command = new CommandLine(line.Span);
        if (command.Verb.IsEmpty)
        {
            return Refuse(ProtocolReplies.BadSyntax);
        }

        if (Config.NoopCommands.Match(command.Verb))
        {
            replies.Add(ProtocolReplies.Ok);
            CountJunk();
            return default;
        }

        var index = VerbTable.Find(command.Verb);
        counts.Begin(index);
        if (index == VerbTable.Count)
        {
            return HandleUnknown(command, line);
        }

        var verb = VerbTable.All[index];
        if (AccessDenied is not null && verb.Name != "QUIT")
        {
            return Refuse(AccessDenied.Code == 521 || AccessDenied.Code == 421 ? AccessDenied : Check.AccessDeniedReply());
        }

        if (Config.Tls.IsRequired && Stream.Tls is null && !verb.Is(VerbFlags.BeforeTls) && !StandAlone)
        {
            return Refuse(ProtocolReplies.MustStartTls);
        }

        Where = verb.Name;
        if (!MayPipeline(verb))
        {
            return Refuse(ProtocolReplies.SynchronizationError);
        }

        if (verb.Check(this, command.Arguments) is { } refusal)
        {
            Reply(refusal);
            Settle(index, verb);
            return default;
        }

        var proceed = verb.Proceed(this, stop);
        if (!proceed.IsCompletedSuccessfully)
        {
            return SettleLaterAsync(proceed, index, verb);
        }

        Settle(index, verb);
        return default;
    }

    private async ValueTask SettleLaterAsync(ValueTask proceed, int index, Verb verb)
    {
        await proceed.ConfigureAwait(false);
        Settle(index, verb);
    }

    private void Settle(int index, Verb verb)
    {
        if (failed)
        {
            Errors++;
        }
        else if (!verb.Is(VerbFlags.Restart))
        {
            counts.Succeed(index);
        }

        if (verb.Is(VerbFlags.Junk))
        {
            CountJunk();
        }
    }

    private void CountJunk()
    {
        if (junkCommands++ > Config.JunkCommandLimit)
        {
            Errors++;
        }
    }

    private ValueTask Refuse(ServerReply reply)
    {
        Reply(reply);
        Errors++;
        return default;
    }

    private ValueTask HandleUnknown(CommandLine command, ReadOnlyMemory<byte> line)
    {
        Where = "UNKNOWN";
        if (IsHeader(command.Verb) || Config.ForbiddenCommands.Match(command.Verb))
        {
            Log.Warning(Tag, $"non-SMTP command from {Client.Tag}: {line.Span[..Math.Min(line.Length, 100)]}");
            replies.Add(ProtocolReplies.Forbidden);
            hangUp = true;
            return default;
        }

        return Refuse(AccessDenied is null ? ProtocolReplies.NotRecognized : Check.AccessDeniedReply());
    }

    // RFC 2920: in ESMTP only the last command of a group has to wait for its reply, before EHLO every command has to.
    private bool MayPipeline(Verb verb)
    {
        var lastInGroup = verb.Is(VerbFlags.LastInGroup);
        if (StandAlone || illegalPipelining || (IsEsmtp && !lastInGroup))
        {
            return true;
        }

        // The system is asked about bytes that are on their way only where they do harm: it costs a system call.
        if (Input.IsEmpty && !(lastInGroup && Stream.HasPendingInput))
        {
            return true;
        }

        ReportPipelining(verb.Name);
        hangUp = Config.ForbidUnauthPipelining;
        return !Config.ForbidUnauthPipelining;
    }

    private void ReportPipelining(string after)
    {
        illegalPipelining = true;
        var shown = Input.Pending;
        Log.Info(Tag, $"improper command pipelining after {after} from {Client.Tag}: {Escape(shown[..Math.Min(shown.Length, 100)])}");
    }

    private static bool IsHeader(ReadOnlySpan<byte> verb) =>
        verb.Length > 1 && verb[^1] == ':' && verb[..^1].IndexOfAnyInRange((byte)0, (byte)32) < 0;

    private static string Escape(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
