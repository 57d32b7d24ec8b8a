using Mta.Core.Config;
using Mta.Core.Lookup;

namespace Mta.Services.Cleanup;

/// <summary>Where an address stands: what the *_classes parameters of canonical maps and masquerading name.</summary>
[Flags]
internal enum AddressRole : byte
{
    None = 0,
    EnvelopeSender = 1,
    EnvelopeRecipient = 2,
    HeaderSender = 4,
    HeaderRecipient = 8,

    Header = HeaderSender | HeaderRecipient,
}

/// <summary>Reads lists of address classes.</summary>
internal static class AddressRoles
{
    /// <exception cref="SettingsException">A class that does not exist: which addresses are meant is anybody's guess.</exception>
    public static AddressRole Read(Settings settings, Parameter<string> parameter)
    {
        var roles = AddressRole.None;
        foreach (var name in new ListTokens(settings.Get(parameter)))
        {
            roles |= name switch
            {
                "envelope_sender" => AddressRole.EnvelopeSender,
                "envelope_recipient" => AddressRole.EnvelopeRecipient,
                "header_sender" => AddressRole.HeaderSender,
                "header_recipient" => AddressRole.HeaderRecipient,
                _ => throw new SettingsException($"unknown {parameter.Name} value \"{name}\" in \"{settings.Get(parameter)}\""),
            };
        }

        return roles;
    }
}
