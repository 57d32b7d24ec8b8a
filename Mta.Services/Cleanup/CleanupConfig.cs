using System.Text;
using Mta.Core.Config;
using Mta.Core.Headers;
using Mta.Core.Lookup;

namespace Mta.Services.Cleanup;

/// <summary>cleanup(8)'s parameters, read once for a configuration.</summary>
internal sealed class CleanupConfig
{
    private readonly long droppedKnown;
    private readonly byte[][] droppedOther;

    public CleanupConfig(Settings settings)
    {
        MessageSizeLimit = settings.Get(Parameters.MessageSizeLimit);
        HopcountLimit = settings.Get(Parameters.HopcountLimit);
        HeaderSizeLimit = settings.Get(Parameters.HeaderSizeLimit);
        HeaderAddressTokenLimit = settings.Get(Parameters.HeaderAddressTokenLimit);
        ChunkSize = settings.Get(Parameters.QueueChunkSize);
        AlwaysAddMissingHeaders = settings.Get(Parameters.AlwaysAddMissingHeaders);
        RemoteDomainIsGiven = settings.Get(Parameters.RemoteHeaderRewriteDomain).Length > 0;
        UndisclosedRecipients = settings.Get(Parameters.UndisclosedRecipientsHeader);
        ReplaceStrayCr = settings.Get(Parameters.CleanupReplaceStrayCrLf);
        DetectEightBitByHeader = settings.Get(Parameters.Detect8bitEncodingHeader);
        DetectsSmtpUtf8 = settings.Get(Parameters.Smtputf8Enable) && DetectsSubmissions(settings.Get(Parameters.Smtputf8AutodetectClasses));
        Hostname = settings.Get(Parameters.Myhostname);
        AlwaysBcc = settings.Get(Parameters.AlwaysBcc).Trim();
        EmptyRecipient = settings.Get(Parameters.EmptyAddressRecipient);
        KeepOriginalRecipient = settings.Get(Parameters.EnableOriginalRecipient);
        NamesAreComments = settings.Get(Parameters.HeaderFromFormat).Equals("obsolete", StringComparison.OrdinalIgnoreCase);
        ConvertsEightBit = settings.Get(Parameters.ForceMimeInputConversion) && !settings.Get(Parameters.DisableMimeInputProcessing);
        MimeNestingLimit = settings.Get(Parameters.MimeNestingLimit);
        DuplicateFilterLimit = settings.Get(Parameters.DuplicateFilterLimit);
        (droppedKnown, droppedOther) = ReadDropped(settings.Get(Parameters.MessageDropHeaders));
    }

    /// <summary>Bytes; 0 for none.</summary>
    public long MessageSizeLimit { get; }

    public int HopcountLimit { get; }

    public int HeaderSizeLimit { get; }

    public int HeaderAddressTokenLimit { get; }

    /// <summary>Content above this many bytes flows into the store.</summary>
    public int ChunkSize { get; }

    public bool AlwaysAddMissingHeaders { get; }

    /// <summary>remote_header_rewrite_domain is set: remote mail gets the same care as local mail.</summary>
    public bool RemoteDomainIsGiven { get; }

    public string UndisclosedRecipients { get; }

    public bool ReplaceStrayCr { get; }

    public bool DetectEightBitByHeader { get; }

    /// <summary>
    /// Of mail from maildrop nobody says whether it needs SMTPUTF8 (RFC 6531): 8-bit text in headers or addresses decides.
    /// smtputf8_autodetect_classes has sendmail.
    /// </summary>
    public bool DetectsSmtpUtf8 { get; }

    public string Hostname { get; }

    /// <summary>In internal form; empty for none.</summary>
    public string AlwaysBcc { get; }

    public string EmptyRecipient { get; }

    public bool KeepOriginalRecipient { get; }

    public int DuplicateFilterLimit { get; }

    /// <summary>header_from_format is obsolete: From: address (name).</summary>
    public bool NamesAreComments { get; }

    /// <summary>force_mime_input_conversion: what claims to be 8-bit becomes quoted-printable.</summary>
    public bool ConvertsEightBit { get; }

    public int MimeNestingLimit { get; }

    /// <summary>message_drop_headers has the field.</summary>
    public bool Drops(HeaderName known, ReadOnlySpan<byte> name)
    {
        if (known != HeaderName.Other)
        {
            return ((droppedKnown >> (int)known) & 1) != 0;
        }

        foreach (var dropped in droppedOther)
        {
            if (dropped.Length == name.Length && Ascii.EqualsIgnoreCase(dropped, name))
            {
                return true;
            }
        }

        return false;
    }

    private static bool DetectsSubmissions(string classes)
    {
        foreach (var name in new ListTokens(classes))
        {
            if (name is "sendmail" or "all")
            {
                return true;
            }
        }

        return false;
    }

    private static (long Known, byte[][] Other) ReadDropped(string list)
    {
        var known = 0L;
        var other = new List<byte[]>();
        foreach (var token in new ListTokens(list))
        {
            var name = Encoding.UTF8.GetBytes(token.TrimEnd(':').ToString());
            var header = HeaderNames.Find(name);
            if (header == HeaderName.Other)
            {
                other.Add(name);
            }
            else
            {
                known |= 1L << (int)header;
            }
        }

        return (known, [.. other]);
    }
}
