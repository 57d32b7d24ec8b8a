using System.Text;
using Mta.Core.Queue;

namespace Mta.Core.Smtp;

/// <summary>The parameters of one RCPT command: NOTIFY and ORCPT (RFC 3461 sections 4.1 and 4.2).</summary>
public readonly record struct RecipientParameters(DsnNotify Notify, string? OriginalRecipient)
{
    /// <summary>Reads the words after the path.</summary>
    /// <returns>The reply that refuses the first bad one; null when all are good.</returns>
    public static ServerReply? Parse(ReadOnlySpan<byte> text, EsmtpOptions offered, out RecipientParameters parameters)
    {
        var notify = DsnNotify.Default;
        string? original = null;
        ServerReply? refusal = null;
        for (var word = CommandLine.NextWord(ref text); word.Length > 0 && refusal is null; word = CommandLine.NextWord(ref text))
        {
            if (MailParameters.TryValue(word, "NOTIFY="u8, out var value))
            {
                refusal = !offered.HasFlag(EsmtpOptions.Dsn) ? ProtocolReplies.DsnDisabled
                    : TryReadNotify(value, out notify) ? null : ProtocolReplies.BadNotify;
            }
            else if (MailParameters.TryValue(word, "ORCPT="u8, out value))
            {
                refusal = !offered.HasFlag(EsmtpOptions.Dsn) ? ProtocolReplies.DsnDisabled
                    : IsOriginalRecipient(value) ? null : ProtocolReplies.BadOrcpt;
                original = refusal is null ? Encoding.UTF8.GetString(value) : null;
            }
            else
            {
                refusal = MailParameters.Unsupported(word);
            }
        }

        parameters = new RecipientParameters(notify, original);
        return refusal;
    }

    private static bool TryReadNotify(ReadOnlySpan<byte> value, out DsnNotify notify)
    {
        notify = DsnNotify.Default;
        foreach (var range in value.Split((byte)','))
        {
            var keyword = value[range];
            if (keyword.IsEmpty && notify != DsnNotify.Default)
            {
                continue;
            }

            var one = CommandLine.Is(keyword, "NEVER"u8) ? DsnNotify.Never
                : CommandLine.Is(keyword, "SUCCESS"u8) ? DsnNotify.Success
                : CommandLine.Is(keyword, "FAILURE"u8) ? DsnNotify.Failure
                : CommandLine.Is(keyword, "DELAY"u8) ? DsnNotify.Delay
                : DsnNotify.Default;
            if (one == DsnNotify.Default)
            {
                return false;
            }

            notify |= one;
        }

        // NEVER stands alone.
        return !notify.HasFlag(DsnNotify.Never) || notify == DsnNotify.Never;
    }

    private static bool IsOriginalRecipient(ReadOnlySpan<byte> value)
    {
        var semicolon = value.IndexOf((byte)';');
        return semicolon > 0
            && !value[..semicolon].ContainsAnyInRange((byte)0, (byte)32)
            && Xtext.IsValid(value[(semicolon + 1)..]);
    }
}
