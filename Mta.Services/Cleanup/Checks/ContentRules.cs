using Mta.Core.Config;
using Mta.Core.Mime;
using Mta.Services.Checks;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup.Checks;

/// <summary>What a configuration wants to know of the content of mail: header and body checks, and how strict MIME is taken.</summary>
internal sealed class ContentRules
{
    public ContentRules(Settings settings, TableRegistry tables)
    {
        Headers = new CheckTables(tables, settings, Parameters.HeaderChecks);
        MimeHeaders = new CheckTables(tables, settings, Parameters.MimeHeaderChecks);
        NestedHeaders = new CheckTables(tables, settings, Parameters.NestedHeaderChecks);
        Body = new CheckTables(tables, settings, Parameters.BodyChecks);
        BodySizeLimit = settings.Get(Parameters.BodyChecksSizeLimit);
        var disabled = settings.Get(Parameters.DisableMimeInputProcessing);
        var strict = settings.Get(Parameters.Strict8bitmime);
        var hasChecks = !Headers.IsEmpty || !MimeHeaders.IsEmpty || !NestedHeaders.IsEmpty || !Body.IsEmpty;
        var reported = (strict || settings.Get(Parameters.Strict7bitHeaders) ? MimeErrors.EightBitInHeader : MimeErrors.None)
            | (strict || settings.Get(Parameters.Strict8bitmimeBody) ? MimeErrors.EightBitInBody : MimeErrors.None)
            | (settings.Get(Parameters.StrictMimeEncodingDomain) ? MimeErrors.EncodingDomain : MimeErrors.None);

        // What is nested deeper than it is looked into could hide something, so it matters only where something is looked for.
        reported = disabled ? MimeErrors.None : reported != MimeErrors.None || hasChecks ? reported | MimeErrors.Nesting : reported;
        IsOff = reported == MimeErrors.None && !hasChecks;
        Mime = new MimeOptions
        {
            HeaderSizeLimit = settings.Get(Parameters.HeaderSizeLimit),
            LineLengthLimit = settings.Get(Parameters.LineLengthLimit),
            NestingLimit = settings.Get(Parameters.MimeNestingLimit),
            BoundaryLengthLimit = settings.Get(Parameters.MimeBoundaryLengthLimit),
            IsDisabled = disabled,
            Reported = reported,
        };
    }

    /// <summary>Nothing is looked for: mail passes in bulk.</summary>
    public bool IsOff { get; }

    public MimeOptions Mime { get; }

    public CheckTables Headers { get; }

    public CheckTables MimeHeaders { get; }

    public CheckTables NestedHeaders { get; }

    public CheckTables Body { get; }

    /// <summary>Bytes of each segment of the body that are looked at; 0 for all.</summary>
    public long BodySizeLimit { get; }

    public CheckTables For(HeaderClass headerClass) => headerClass switch
    {
        HeaderClass.Primary => Headers,
        HeaderClass.Mime => MimeHeaders,
        _ => NestedHeaders,
    };
}
