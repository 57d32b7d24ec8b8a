using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Queue;

namespace Mta.Core.Smtp;

/// <summary>Writes the commands of a client. One serves a connection; its buffer is used again.</summary>
public sealed class CommandWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new(512);
    private readonly ArrayBufferWriter<byte> scratch = new(64);

    /// <summary>The commands since <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public void Clear() => buffer.ResetWrittenCount();

    /// <summary>A command without addresses, without its line end.</summary>
    public void Line(ReadOnlySpan<byte> command)
    {
        buffer.Write(command);
        buffer.Write("\r\n"u8);
    }

    /// <summary>EHLO, HELO or LHLO with a name.</summary>
    public void Hello(ReadOnlySpan<byte> verb, string name)
    {
        buffer.Write(verb);
        buffer.Write(" "u8);
        Encoding.UTF8.GetBytes(name, buffer);
        buffer.Write("\r\n"u8);
    }

    /// <summary>MAIL with the parameters that the server knows.</summary>
    /// <param name="converted">The content goes out as 7-bit text, whatever it was.</param>
    /// <param name="sender">The address that the server is told, if it is another one.</param>
    public void Mail(Envelope envelope, PeerFeatures features, bool quote, bool converted, string? sender = null)
    {
        buffer.Write("MAIL FROM:<"u8);
        Address(sender ?? envelope.Sender, quote, buffer);
        buffer.Write(">"u8);
        if ((features & PeerFeatures.Size) != 0)
        {
            buffer.Write(" SIZE="u8);
            var span = buffer.GetSpan(20);
            envelope.Size.TryFormat(span, out var written, provider: CultureInfo.InvariantCulture);
            buffer.Advance(written);
        }

        if ((features & PeerFeatures.EightBitMime) != 0 && (envelope.Flags & EnvelopeFlags.EightBit) != 0 && !converted)
        {
            buffer.Write(" BODY=8BITMIME"u8);
        }

        if ((features & PeerFeatures.SmtpUtf8) != 0 && (envelope.Flags & EnvelopeFlags.SmtpUtf8) != 0)
        {
            buffer.Write(" SMTPUTF8"u8);
        }

        if ((features & PeerFeatures.Dsn) != 0)
        {
            if (envelope.EnvelopeId is { } id)
            {
                buffer.Write(" ENVID="u8);
                Encoding.UTF8.GetBytes(id, buffer);
            }

            if (envelope.Return != DsnReturn.Unspecified)
            {
                buffer.Write(envelope.Return == DsnReturn.Full ? " RET=FULL"u8 : " RET=HDRS"u8);
            }
        }

        buffer.Write("\r\n"u8);
    }

    /// <summary>RCPT with the parameters that the server knows.</summary>
    /// <param name="address">The address that the server is told, if it is another one.</param>
    public void Rcpt(Recipient recipient, PeerFeatures features, bool quote, string? address = null)
    {
        buffer.Write("RCPT TO:<"u8);
        Address(address ?? recipient.Address, quote, buffer);
        buffer.Write(">"u8);
        if ((features & PeerFeatures.Dsn) != 0)
        {
            OriginalRecipient(recipient);
            Notify(recipient.Notify);
        }

        buffer.Write("\r\n"u8);
    }

    /// <summary>RFC 3461 section 4.2. Without one of the sender's, the address that mail came here for, as Postfix does it.</summary>
    private void OriginalRecipient(Recipient recipient)
    {
        if (recipient.OriginalRecipient is { } given)
        {
            buffer.Write(" ORCPT="u8);
            Encoding.UTF8.GetBytes(given, buffer);
            return;
        }

        var address = recipient.Original ?? recipient.Address;
        if (!Ascii.IsValid(address))
        {
            return;
        }

        buffer.Write(" ORCPT=rfc822;"u8);
        scratch.ResetWrittenCount();
        Address(address, quote: true, scratch);
        foreach (var value in scratch.WrittenSpan)
        {
            Xtext(value);
        }
    }

    private void Notify(DsnNotify notify)
    {
        if (notify == DsnNotify.Default)
        {
            return;
        }

        buffer.Write(" NOTIFY="u8);
        if ((notify & DsnNotify.Never) != 0)
        {
            buffer.Write("NEVER"u8);
            return;
        }

        var separator = ""u8;
        foreach (var (flag, name) in (ReadOnlySpan<(DsnNotify, string)>)[(DsnNotify.Success, "SUCCESS"), (DsnNotify.Failure, "FAILURE"), (DsnNotify.Delay, "DELAY")])
        {
            if ((notify & flag) != 0)
            {
                buffer.Write(separator);
                Encoding.ASCII.GetBytes(name, buffer);
                separator = ","u8;
            }
        }
    }

    private static void Address(string address, bool quote, ArrayBufferWriter<byte> to)
    {
        var text = quote ? AddressQuoting.ToExternal(address) : address;

        // A line end in an address must never become one on the wire.
        if (text.AsSpan().ContainsAny('\r', '\n', '\0'))
        {
            text = text.Replace('\r', '?').Replace('\n', '?').Replace('\0', '?');
        }

        Encoding.UTF8.GetBytes(text, to);
    }

    /// <summary>RFC 3461 section 4: "+", "=" and what does not print as "+" and two hexadecimal digits.</summary>
    private void Xtext(byte value)
    {
        if (value is (byte)'+' or (byte)'=' or <= 32 or >= 127)
        {
            buffer.Write("+"u8);
            Encoding.ASCII.GetBytes(value.ToString("X2", CultureInfo.InvariantCulture), buffer);
        }
        else
        {
            buffer.Write([value]);
        }
    }
}
