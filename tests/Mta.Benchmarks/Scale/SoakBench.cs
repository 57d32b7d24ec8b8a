namespace Mta.Benchmarks.Scale;

/// <summary>A soak of a server of its own, whose files go with it.</summary>
internal sealed class SoakBench(BenchmarkOptions options, TimeSpan held)
{
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Bench.NewDirectory();
        var verdicts = new Verdicts(Console.Out);
        try
        {
            var server = new MtaServer(directory, options);
            await server.StartAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await using var sink = new MailSink(server.SinkPort);
                await using var database = new QueueDatabase(server.DatabaseConnection);
                await new Soak(SoakPlan.For(held), server.Port, sink, database, verdicts).RunAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await server.StopAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        verdicts.Print();
        return verdicts.AllKept;
    }
}
