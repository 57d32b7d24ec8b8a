namespace Mta.Core.Config;

public static partial class Parameters
{
    public static readonly Parameter<int> VirtualAliasAddressLengthLimit = Int("virtual_alias_address_length_limit", "1000", min: 1);
    public static readonly Parameter<string> VirtualAliasDomains = Text("virtual_alias_domains", "$virtual_alias_maps");
    public static readonly Parameter<int> VirtualAliasExpansionLimit = Int("virtual_alias_expansion_limit", "1000", min: 1);
    public static readonly Parameter<string> VirtualAliasMaps = Text("virtual_alias_maps", "$virtual_maps");
    public static readonly Parameter<int> VirtualAliasRecursionLimit = Int("virtual_alias_recursion_limit", "1000", min: 1);
    public static readonly Parameter<string> VirtualDeliveryStatusFilter = Text("virtual_delivery_status_filter", "$default_delivery_status_filter");
    public static readonly Parameter<string> VirtualGidMaps = Text("virtual_gid_maps", "");
    public static readonly Parameter<string> VirtualMailboxBase = Text("virtual_mailbox_base", "");
    public static readonly Parameter<string> VirtualMailboxDomains = Text("virtual_mailbox_domains", "$virtual_mailbox_maps");
    public static readonly Parameter<long> VirtualMailboxLimit = Long("virtual_mailbox_limit", "51200000");
    public static readonly Parameter<string> VirtualMailboxLock = Text("virtual_mailbox_lock", "fcntl, dotlock");
    public static readonly Parameter<string> VirtualMailboxMaps = Text("virtual_mailbox_maps", "");
    public static readonly Parameter<int> VirtualMinimumUid = Int("virtual_minimum_uid", "100");
    public static readonly Parameter<string> VirtualTransport = Text("virtual_transport", "virtual", min: 1);
    public static readonly Parameter<string> VirtualUidMaps = Text("virtual_uid_maps", "");
}
