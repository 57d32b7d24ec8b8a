namespace Mta.Core.Config;

public static partial class Parameters
{
    public static readonly Parameter<TimeSpan> AddressVerifyCacheCleanupInterval = Time("address_verify_cache_cleanup_interval", "12h", min: 0);
    public static readonly Parameter<string> AddressVerifyDefaultTransport = Text("address_verify_default_transport", "$default_transport");
    public static readonly Parameter<string> AddressVerifyLocalTransport = Text("address_verify_local_transport", "$local_transport");
    public static readonly Parameter<string> AddressVerifyMap = Text("address_verify_map", "$default_cache_db_type:$data_directory/verify_cache");
    public static readonly Parameter<bool> AddressVerifyNegativeCache = Bool("address_verify_negative_cache", "yes");
    public static readonly Parameter<TimeSpan> AddressVerifyNegativeExpireTime = Time("address_verify_negative_expire_time", "3d");
    public static readonly Parameter<TimeSpan> AddressVerifyNegativeRefreshTime = Time("address_verify_negative_refresh_time", "3h");
    public static readonly Parameter<int> AddressVerifyPendingRequestLimit = Int("address_verify_pending_request_limit", "5000", min: 1);
    public static readonly Parameter<int> AddressVerifyPollCount = Int("address_verify_poll_count", "${stress?{1}:{3}}", min: 1);
    public static readonly Parameter<TimeSpan> AddressVerifyPollDelay = Time("address_verify_poll_delay", "3s");
    public static readonly Parameter<TimeSpan> AddressVerifyPositiveExpireTime = Time("address_verify_positive_expire_time", "31d");
    public static readonly Parameter<TimeSpan> AddressVerifyPositiveRefreshTime = Time("address_verify_positive_refresh_time", "7d");
    public static readonly Parameter<string> AddressVerifyRelayTransport = Text("address_verify_relay_transport", "$relay_transport");
    public static readonly Parameter<string> AddressVerifyRelayhost = Text("address_verify_relayhost", "$relayhost");
    public static readonly Parameter<string> AddressVerifySender = Text("address_verify_sender", "$double_bounce_sender");
    public static readonly Parameter<string> AddressVerifySenderDependentDefaultTransportMaps = Text("address_verify_sender_dependent_default_transport_maps", "$sender_dependent_default_transport_maps");
    public static readonly Parameter<string> AddressVerifySenderDependentRelayhostMaps = Text("address_verify_sender_dependent_relayhost_maps", "$sender_dependent_relayhost_maps");
    public static readonly Parameter<TimeSpan> AddressVerifySenderTtl = Time("address_verify_sender_ttl", "0s", min: 0);
    public static readonly Parameter<string> AddressVerifyServiceName = Text("address_verify_service_name", "verify", min: 1);
    public static readonly Parameter<string> AddressVerifyTransportMaps = Text("address_verify_transport_maps", "$transport_maps");
    public static readonly Parameter<string> AddressVerifyVirtualTransport = Text("address_verify_virtual_transport", "$virtual_transport");
}
