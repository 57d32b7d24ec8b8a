using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Queue;

namespace Mta.Services.Mailbox;

/// <summary>The envelope as header lines before a delivered message.</summary>
internal static class DeliveryHeaders
{
    /// <summary>Return-Path (RFC 5321 section 4.4), X-Original-To and Delivered-To, each ended by LF.</summary>
    /// <param name="original">The address as given, before aliases; null leaves X-Original-To out.</param>
    /// <param name="delivered">The final address; null leaves Delivered-To out.</param>
    public static string Build(string sender, string? original, string? delivered)
    {
        var text = new StringBuilder(160);
        text.Append("Return-Path: <");
        Append(text, sender).Append(">\n");
        if (original is not null)
        {
            Append(text.Append("X-Original-To: "), original).Append('\n');
        }

        if (delivered is not null)
        {
            Append(text.Append("Delivered-To: "), delivered).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The address as given, or as Postfix calls it, the original recipient.</summary>
    public static string OriginalOf(Recipient recipient) => recipient.Original ?? recipient.Address;

    /// <summary>The address in external form on one line: a control character must not begin a header of its own.</summary>
    public static string OneLine(string address) => Append(new StringBuilder(address.Length), address).ToString();

    private static StringBuilder Append(StringBuilder text, string address)
    {
        foreach (var c in AddressQuoting.ToExternal(address))
        {
            text.Append(char.IsControl(c) ? '?' : c);
        }

        return text;
    }
}
