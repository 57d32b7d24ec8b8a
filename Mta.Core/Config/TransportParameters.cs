namespace Mta.Core.Config;

/// <summary>The parameters that each transport may have for itself, named by the transport and the end of the general one's name.</summary>
public static class TransportParameters
{
    private static readonly (string Suffix, Parameter General)[] Table =
    [
        ("_delivery_slot_cost", Parameters.DefaultDeliverySlotCost),
        ("_delivery_slot_discount", Parameters.DefaultDeliverySlotDiscount),
        ("_delivery_slot_loan", Parameters.DefaultDeliverySlotLoan),
        ("_destination_concurrency_failed_cohort_limit", Parameters.DefaultDestinationConcurrencyFailedCohortLimit),
        ("_destination_concurrency_limit", Parameters.DefaultDestinationConcurrencyLimit),
        ("_destination_concurrency_negative_feedback", Parameters.DefaultDestinationConcurrencyNegativeFeedback),
        ("_destination_concurrency_positive_feedback", Parameters.DefaultDestinationConcurrencyPositiveFeedback),
        ("_destination_rate_delay", Parameters.DefaultDestinationRateDelay),
        ("_destination_recipient_limit", Parameters.DefaultDestinationRecipientLimit),
        ("_extra_recipient_limit", Parameters.DefaultExtraRecipientLimit),
        ("_initial_destination_concurrency", Parameters.InitialDestinationConcurrency),
        ("_minimum_delivery_slots", Parameters.DefaultMinimumDeliverySlots),
        ("_recipient_limit", Parameters.DefaultRecipientLimit),
        ("_recipient_refill_delay", Parameters.DefaultRecipientRefillDelay),
        ("_recipient_refill_limit", Parameters.DefaultRecipientRefillLimit),
        ("_time_limit", Parameters.CommandTimeLimit),
        ("_transport_rate_delay", Parameters.DefaultTransportRateDelay),
    ];

    /// <summary>The names' ends, each with the parameter that gives kind and default.</summary>
    public static IReadOnlyList<(string Suffix, Parameter General)> All => Table;

    /// <summary>The delivery agents by program; the queue manager reads the counterparts of each service that runs one.</summary>
    private static readonly string[] DeliveryAgents = ["discard", "error", "lmtp", "local", "pipe", "smtp", "virtual"];

    /// <summary>The counterparts that a service has which runs <paramref name="command"/>.</summary>
    public static IEnumerable<(string Name, Parameter General)> OfService(string service, string command)
    {
        var isAgent = DeliveryAgents.Contains(command);
        foreach (var (suffix, general) in Table)
        {
            if (general == Parameters.CommandTimeLimit ? command is "pipe" or "spawn" : isAgent)
            {
                yield return (service + suffix, general);
            }
        }
    }

    /// <summary>The name of <paramref name="general"/>'s counterpart for one transport.</summary>
    public static string NameOf(string transport, Parameter general)
    {
        foreach (var (suffix, parameter) in Table)
        {
            if (ReferenceEquals(parameter, general))
            {
                return transport + suffix;
            }
        }

        throw new ArgumentException($"{general.Name} has no counterpart for a transport", nameof(general));
    }

    /// <summary>The general parameter that <paramref name="name"/> is one transport's counterpart of; null when it is none.</summary>
    public static Parameter? Find(string name)
    {
        Parameter? found = null;
        var longest = 0;
        foreach (var (suffix, parameter) in Table)
        {
            if (suffix.Length > longest && name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal))
            {
                (found, longest) = (parameter, suffix.Length);
            }
        }

        return found;
    }
}
