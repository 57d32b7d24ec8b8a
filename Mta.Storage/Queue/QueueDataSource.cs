using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>Settings of the connections that run the queue's statements.</summary>
public static class QueueDataSource
{
    // The statements join short arrays to large tables by primary key. A plan made while a table was small, or its statistics old, must not
    // become a scan of it later: only the way by the index is left. One plan for all sizes of batch spares planning each.
    private const string PlannerOptions =
        "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off -c plan_cache_mode=force_generic_plan";

    /// <summary>Given to <c>Database.CreateDataSource</c>. Statements are prepared at their second use.</summary>
    public static void Configure(NpgsqlConnectionStringBuilder settings)
    {
        settings.Options = string.IsNullOrEmpty(settings.Options) ? PlannerOptions : settings.Options + " " + PlannerOptions;
        settings.MaxAutoPrepare = 32;
        settings.AutoPrepareMinUsages = 2;
    }
}
