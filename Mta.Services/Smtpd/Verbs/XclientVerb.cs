using Mta.Core.Addresses;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// XCLIENT: a client of smtpd_authorized_xclient_hosts says whom it speaks for. The session begins anew, with the other client's name and
/// address for all restrictions, the log and the Received header, and with the other one's rights.
/// </summary>
internal static class XclientVerb
{
    public const string Keyword = "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT";

    private static readonly ServerReply Syntax = new("501 5.5.4 Syntax: XCLIENT attribute=value...");

    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Mail.IsActive)
        {
            return ProtocolReplies.InTransaction;
        }

        session.Parsed.Attributes = ForwardedAttribute.Read(arguments);
        return session.Parsed.Attributes.Count == 0 ? Syntax
            : session.IsUnknown(EsmtpOptions.Xclient) || session.Authorized.HasFlag(EsmtpOptions.Xclient) ? null
            : ProtocolReplies.InsufficientAuthorization;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        if (session.IsUnknown(EsmtpOptions.Xclient))
        {
            session.EndForLocalData($"don't know if command XCLIENT should be allowed from {session.Client.Tag}");
            return;
        }

        // As in Postfix what stands before a bad attribute counts, but the log goes on with the old name.
        var told = new Told(session);
        foreach (var attribute in session.Parsed.Attributes)
        {
            if ((attribute.Refusal ?? told.Take(attribute)) is { } refusal)
            {
                session.Client = told.Client;
                session.Check.ForgetClient();
                session.Reply(refusal);
                return;
            }
        }

        session.Client = told.Client.Seal();
        session.Check.ForgetClient();
        await session.Mail.ResetAsync().ConfigureAwait(false);
        session.Helo = told.HasHelo ? session.Helo : null;
        session.IsEsmtp &= told.HasProtocol;
        session.Login = told.HasLogin ? session.Login : null;
        session.Offered = session.Config.Keywords.Possible;
        if (!await session.WelcomeAsync(cancellationToken).ConfigureAwait(false))
        {
            session.HangUp();
        }
    }

    private sealed class Told(SmtpdSession session)
    {
        public ClientInfo Client { get; private set; } = session.Client;

        public bool HasHelo { get; private set; }

        public bool HasProtocol { get; private set; }

        public bool HasLogin { get; private set; }

        /// <summary>The refusal of a value that cannot be; null when it was taken.</summary>
        public ServerReply? Take(ForwardedAttribute attribute)
        {
            var value = attribute.Value!;
            switch (attribute.Name.ToUpperInvariant())
            {
                case "NAME":
                    var status = StatusOf(attribute);
                    if (status != ClientNameStatus.Known)
                    {
                        Client = Client with { Name = ClientInfo.Unknown, NameStatus = status };
                        return null;
                    }

                    if (!HostnameSyntax.IsHostname(value))
                    {
                        return ForwardedAttribute.Bad("NAME", value);
                    }

                    Client = Client with { Name = value, NameStatus = status, ReverseName = value, ReverseNameStatus = status };
                    return null;
                case "REVERSE_NAME":
                    var reverse = StatusOf(attribute);
                    if (reverse == ClientNameStatus.Known && !HostnameSyntax.IsHostname(value))
                    {
                        return ForwardedAttribute.Bad("REVERSE_NAME", value);
                    }

                    Client = Client with { ReverseName = reverse == ClientNameStatus.Known ? value : null, ReverseNameStatus = reverse };
                    return null;
                case "ADDR" when attribute.IsUnavailable:
                    Client = Client with { IpAddress = null };
                    return null;
                case "ADDR":
                    if (!ForwardedAddress.TryParse(value, session.Config.TakesIpv6, out var address))
                    {
                        return ForwardedAttribute.Bad("ADDR", attribute.Neutered);
                    }

                    Client = Client with { IpAddress = address };
                    return null;
                case "PORT" when !attribute.IsUnavailable && !ForwardedAddress.IsPort(value):
                    return ForwardedAttribute.Bad("PORT", value);
                case "PORT":
                    Client = Client with { PortText = attribute.IsUnavailable ? ClientInfo.Unknown : value };
                    return null;
                case "HELO":
                    HasHelo = true;
                    session.Helo = attribute.IsUnavailable ? null : attribute.Neutered;
                    return null;
                case "PROTO":
                    HasProtocol = true;
                    var isEsmtp = value.Equals("ESMTP", StringComparison.OrdinalIgnoreCase);
                    if (!isEsmtp && !value.Equals("SMTP", StringComparison.OrdinalIgnoreCase))
                    {
                        return ForwardedAttribute.Bad("PROTO", value);
                    }

                    session.IsEsmtp = isEsmtp;
                    return null;
                case "LOGIN":
                    HasLogin = true;
                    session.Login = attribute.IsUnavailable ? null : value;
                    return null;
                case "DESTADDR":
                    // The address and port of ours that the other client connected to: nothing here asks for them.
                    return attribute.IsUnavailable || ForwardedAddress.TryParse(value, session.Config.TakesIpv6, out _) ? null : ForwardedAttribute.Bad("DESTADDR", attribute.Neutered);
                case "DESTPORT":
                    return attribute.IsUnavailable || ForwardedAddress.IsPort(value) ? null : ForwardedAttribute.Bad("DESTPORT", value);
                default:
                    return attribute.Unknown("XCLIENT");
            }
        }

        private static ClientNameStatus StatusOf(ForwardedAttribute attribute) =>
            attribute.IsUnavailable ? ClientNameStatus.PermanentFailure
            : attribute.IsTemporarilyUnavailable ? ClientNameStatus.TemporaryFailure
            : ClientNameStatus.Known;
    }
}
