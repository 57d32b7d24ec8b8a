using Mta.Core.Addresses;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// XFORWARD: a client of smtpd_authorized_xforward_hosts, such as a content filter, says where the next message came from. It holds until
/// the message ends.
/// </summary>
internal static class XforwardVerb
{
    public const string Keyword = "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT";

    private const int LongestProtocol = 64;

    private static readonly ServerReply Syntax = new("501 5.5.4 Syntax: XFORWARD attribute=value...");

    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Mail.IsActive)
        {
            return ProtocolReplies.InTransaction;
        }

        session.Parsed.Attributes = ForwardedAttribute.Read(arguments);
        return session.Parsed.Attributes.Count == 0 ? Syntax
            : session.IsUnknown(EsmtpOptions.Xforward) || session.Authorized.HasFlag(EsmtpOptions.Xforward) ? null
            : ProtocolReplies.InsufficientAuthorization;
    }

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        if (session.IsUnknown(EsmtpOptions.Xforward))
        {
            session.EndForLocalData($"don't know if command XFORWARD should be allowed from {session.Client.Tag}");
            return default;
        }

        var origin = session.Mail.Forwarded ??= new ForwardedOrigin();
        var (hasClient, isLocal) = (false, origin.IsLocal);
        foreach (var attribute in session.Parsed.Attributes)
        {
            if ((attribute.Refusal ?? Take(session, origin, attribute, ref hasClient, ref isLocal)) is { } refusal)
            {
                session.Reply(refusal);
                return default;
            }
        }

        origin.HasClient |= hasClient;
        origin.IsLocal = isLocal;
        session.Reply(ProtocolReplies.Ok);
        return default;
    }

    private static ServerReply? Take(
        SmtpdSession session, ForwardedOrigin origin, ForwardedAttribute attribute, ref bool hasClient, ref bool? isLocal)
    {
        var value = attribute.Neutered;
        var missing = attribute.IsUnavailable;
        switch (attribute.Name.ToUpperInvariant())
        {
            case "NAME" when !missing && !HostnameSyntax.IsHostname(value):
                return ForwardedAttribute.Bad("NAME", value);
            case "NAME":
                origin.Name = missing ? ForwardedOrigin.Unknown : value;
                break;
            case "ADDR" when missing:
                origin.IpAddress = null;
                break;
            case "ADDR":
                if (!ForwardedAddress.TryParse(value, session.Config.TakesIpv6, out var address))
                {
                    return ForwardedAttribute.Bad("ADDR", value);
                }

                origin.IpAddress = address;
                break;
            case "PORT" when !missing && !ForwardedAddress.IsPort(value):
                return ForwardedAttribute.Bad("PORT", value);
            case "PORT":
                origin.Port = missing ? ForwardedOrigin.Unknown : value;
                break;
            case "HELO":
                origin.Helo = missing ? ForwardedOrigin.Unknown : value;
                break;
            case "PROTO" when value.Length > LongestProtocol:
                return ForwardedAttribute.Bad("PROTO", value);
            case "PROTO":
                origin.Protocol = missing ? ForwardedOrigin.Unknown : value;
                break;
            case "IDENT":
                origin.Identifier = missing ? null : value;
                return null;
            case "SOURCE" when missing:
                return null;
            case "SOURCE" when value.Equals("LOCAL", StringComparison.OrdinalIgnoreCase):
                isLocal = true;
                return null;
            case "SOURCE" when value.Equals("REMOTE", StringComparison.OrdinalIgnoreCase):
                isLocal = false;
                return null;
            case "SOURCE":
                return ForwardedAttribute.Bad("SOURCE", value);
            default:
                return attribute.Unknown("XFORWARD");
        }

        hasClient = true;
        return null;
    }
}
