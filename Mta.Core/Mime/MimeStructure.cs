using System.Text;
using Mta.Core.Headers;

namespace Mta.Core.Mime;

/// <summary>Where in a message's structure its reader is: which header or body, of what type, within which multiparts.</summary>
internal sealed class MimeStructure(MimeOptions options)
{
    private readonly List<(byte[] Boundary, bool Digest)> multiparts = [];
    private ContentType type = ContentType.Text;
    private string encoding = "7bit";
    private string domain = "7bit";

    public bool InBody { get; private set; }

    /// <summary>The header at hand, while not <see cref="InBody"/>.</summary>
    public HeaderClass Class { get; private set; } = HeaderClass.Primary;

    public MimeErrors Errors { get; private set; }

    public List<(MimeErrors Error, byte[] Text)> NewErrors { get; } = [];

    /// <summary>A field that header_checks(5) counts among the MIME ones, in whatever header.</summary>
    public static bool IsMimeField(ReadOnlySpan<byte> field)
    {
        var name = field[..Math.Max(0, field.IndexOf((byte)':'))];
        return name.Length switch
        {
            10 => Ascii.EqualsIgnoreCase(name, "Content-Id"u8),
            12 => Ascii.EqualsIgnoreCase(name, "Content-Type"u8) || Ascii.EqualsIgnoreCase(name, "Mime-Version"u8),
            19 => Ascii.EqualsIgnoreCase(name, "Content-Description"u8) || Ascii.EqualsIgnoreCase(name, "Content-Disposition"u8),
            25 => Ascii.EqualsIgnoreCase(name, "Content-Transfer-Encoding"u8),
            _ => false,
        };
    }

    /// <summary>Takes a field of the header at hand. The last Content-Type counts, but all boundaries do.</summary>
    public void Field(ReadOnlySpan<byte> field)
    {
        if (!options.IsDisabled)
        {
            switch (HeaderNames.Find(field[..field.IndexOf((byte)':')]))
            {
                case HeaderName.ContentType:
                    TakeType(field);
                    break;
                case HeaderName.ContentTransferEncoding:
                    TakeEncoding(HeaderSyntax.Value(field));
                    break;
            }
        }

        if (Wants(MimeErrors.EightBitInHeader) && !Ascii.IsValid(field))
        {
            Report(MimeErrors.EightBitInHeader, field);
        }
    }

    /// <summary>A multipart or message has no encoding of its own (RFC 2045 section 6.4), a partial one is 7bit (RFC 2046 section 5.2.2.1).</summary>
    public void CheckEncoding()
    {
        if (!Wants(MimeErrors.EncodingDomain))
        {
            return;
        }

        var wrong = type.Type switch
        {
            "multipart" => encoding != domain,
            "message" => type.Subtype is "partial" or "external-body" ? encoding != "7bit" : encoding != domain,
            _ => false,
        };
        if (wrong)
        {
            Report(MimeErrors.EncodingDomain, Encoding.ASCII.GetBytes(encoding));
        }
    }

    /// <summary>An empty line ends the header.</summary>
    public void EndHeader()
    {
        if (!options.IsDisabled && type.Type == "message" && type.Subtype is "rfc822" or "global")
        {
            Begin(HeaderClass.Nested, ContentType.Text);
        }
        else
        {
            InBody = true;
        }
    }

    /// <summary>A line that is no field ends the header.</summary>
    public void BreakHeader() => InBody = true;

    /// <summary>RFC 2046 section 5.1.2: a boundary of any multipart that is open ends all that is within it.</summary>
    public bool TryBoundary(ReadOnlySpan<byte> line, out bool closes)
    {
        for (var i = multiparts.Count - 1; i >= 0; i--)
        {
            var (boundary, digest) = multiparts[i];
            if (!line[2..].StartsWith(boundary))
            {
                continue;
            }

            closes = line[(2 + boundary.Length)..].StartsWith("--"u8);
            multiparts.RemoveRange(closes ? i : i + 1, multiparts.Count - (closes ? i : i + 1));
            Begin(HeaderClass.Mime, digest && !closes ? ContentType.Message : ContentType.Text);
            InBody = closes;
            return true;
        }

        closes = false;
        return false;
    }

    public void CheckBody(ReadOnlySpan<byte> piece)
    {
        if (domain == "7bit" && Wants(MimeErrors.EightBitInBody) && !Ascii.IsValid(piece))
        {
            Report(MimeErrors.EightBitInBody, piece);
        }
    }

    private void Begin(HeaderClass headerClass, ContentType defaultType)
    {
        Class = headerClass;
        InBody = false;
        type = defaultType;
        (encoding, domain) = ("7bit", "7bit");
    }

    private void TakeType(ReadOnlySpan<byte> field)
    {
        type = ContentType.Parse(HeaderSyntax.Value(field));
        if (type.Type != "multipart")
        {
            return;
        }

        foreach (var boundary in type.Boundaries)
        {
            // One more than the limit and the outermost: what Postfix lets pass.
            if (multiparts.Count > options.NestingLimit + 1)
            {
                if (Wants(MimeErrors.Nesting))
                {
                    Report(MimeErrors.Nesting, field);
                }
            }
            else
            {
                var length = Math.Min(boundary.Length, options.BoundaryLengthLimit);
                multiparts.Add((boundary[..length], type.Subtype == "digest"));
            }
        }
    }

    private void TakeEncoding(ReadOnlySpan<byte> value)
    {
        switch (ContentType.FirstToken(value))
        {
            case ("7bit" or "8bit" or "binary") and var plain:
                (encoding, domain) = (plain, plain);
                break;
            case ("base64" or "quoted-printable") and var transforming:
                (encoding, domain) = (transforming, "7bit");
                break;
        }
    }

    private bool Wants(MimeErrors error) => (options.Reported & error & ~Errors) != 0;

    private void Report(MimeErrors error, ReadOnlySpan<byte> text)
    {
        Errors |= error;
        NewErrors.Add((error, text.ToArray()));
    }
}
