using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>Connections for the queue's writers and claims.</summary>
public static class QueueDataSource
{
    // The statements join short arrays to large tables by primary key. A plan made while a table was small, or its statistics old, must not
    // become a scan of it later: only the way by the index is left. One plan for all sizes of batch spares planning each.
    private const string PlannerOptions =
        "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off -c plan_cache_mode=force_generic_plan";

    /// <param name="purpose">For application_name, so that pg_stat_activity tells what a connection is for.</param>
    public static NpgsqlDataSource Create(string connectionString, string purpose, int connections)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        var settings = builder.ConnectionStringBuilder;
        settings.ApplicationName = purpose;
        settings.Options = string.IsNullOrEmpty(settings.Options) ? PlannerOptions : settings.Options + " " + PlannerOptions;
        settings.MinPoolSize = 0;
        settings.MaxPoolSize = connections;
        settings.Enlist = false;
        settings.MaxAutoPrepare = 32;
        settings.AutoPrepareMinUsages = 2;
        settings.NoResetOnClose = true;
        return builder.Build();
    }
}
