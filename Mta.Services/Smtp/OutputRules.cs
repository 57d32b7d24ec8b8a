using Mta.Core.Config;
using Mta.Core.Mime;
using Mta.Services.Checks;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtp;

/// <summary>What a configuration changes in mail while it is delivered: generic maps, and header and body checks of the client.</summary>
internal sealed class OutputRules
{
    private readonly CheckTables headers;
    private readonly CheckTables mimeHeaders;
    private readonly CheckTables nestedHeaders;

    private OutputRules(Settings settings, bool lmtp, TableRegistry tables, IAddressResolver resolver, MailLog log)
    {
        CheckTables Open(Parameter<string> forSmtp, Parameter<string> forLmtp) => new(tables, settings, lmtp ? forLmtp : forSmtp);
        headers = Open(Parameters.SmtpHeaderChecks, Parameters.LmtpHeaderChecks);
        mimeHeaders = Open(Parameters.SmtpMimeHeaderChecks, Parameters.LmtpMimeHeaderChecks);
        nestedHeaders = Open(Parameters.SmtpNestedHeaderChecks, Parameters.LmtpNestedHeaderChecks);
        Body = Open(Parameters.SmtpBodyChecks, Parameters.LmtpBodyChecks);
        HasChecks = !headers.IsEmpty || !mimeHeaders.IsEmpty || !nestedHeaders.IsEmpty || !Body.IsEmpty;
        var generic = lmtp ? Parameters.LmtpGenericMaps : Parameters.SmtpGenericMaps;
        var maps = tables.Open(settings, generic);
        Generic = maps.IsEmpty
            ? null
            : new GenericMaps(
                generic, maps, MappedAddresses.Propagates(settings, "generic"), MailAddressContext.From(settings, tables), resolver, log);
        Mime = new MimeOptions
        {
            HeaderSizeLimit = settings.Get(Parameters.HeaderSizeLimit),
            LineLengthLimit = settings.Get(Parameters.LineLengthLimit),
            NestingLimit = settings.Get(Parameters.MimeNestingLimit),
            BoundaryLengthLimit = settings.Get(Parameters.MimeBoundaryLengthLimit),
            IsDisabled = !HasChecks,
        };
    }

    public GenericMaps? Generic { get; }

    /// <summary>Fields and lines are looked up.</summary>
    public bool HasChecks { get; }

    /// <summary>For all lines: body_checks_size_limit is cleanup(8)'s alone.</summary>
    public CheckTables Body { get; }

    public MimeOptions Mime { get; }

    /// <summary>Null when mail goes out as it is.</summary>
    public static OutputRules? From(Settings settings, bool lmtp, TableRegistry tables, IAddressResolver resolver, MailLog log)
    {
        var rules = new OutputRules(settings, lmtp, tables, resolver, log);
        return rules.HasChecks || rules.Generic is not null ? rules : null;
    }

    public CheckTables For(HeaderClass headerClass) => headerClass switch
    {
        HeaderClass.Primary => headers,
        HeaderClass.Mime => mimeHeaders,
        _ => nestedHeaders,
    };
}
