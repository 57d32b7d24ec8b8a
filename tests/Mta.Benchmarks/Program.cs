using Mta.Benchmarks;
using Mta.Benchmarks.Scale;
using Mta.Benchmarks.Tables;
using Mta.Storage;
using Npgsql;

if (BenchmarkOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchmarkOptions.Usage);
    return 64;
}

if (options.Help)
{
    Console.WriteLine(BenchmarkOptions.Usage);
    return 0;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

try
{
    if (options.Deferred is { } deferred)
    {
        await using var scale = new DeferredBench(options, deferred);
        return await scale.RunAsync(stop.Token).ConfigureAwait(false) ? 0 : 1;
    }

    if (options.Storage)
    {
        await new StorageBench(options).RunAsync(stop.Token).ConfigureAwait(false);
        return 0;
    }

    if (options.History)
    {
        return await new HistoryBench(options).RunAsync(stop.Token).ConfigureAwait(false) ? 0 : 1;
    }

    if (options.TableRows is { } rows)
    {
        await using var tables = new TablesBench(options, rows);
        return await tables.RunAsync(stop.Token).ConfigureAwait(false) ? 0 : 1;
    }

    if (options.Soak is { } held)
    {
        return await new SoakBench(options, held).RunAsync(stop.Token).ConfigureAwait(false) ? 0 : 1;
    }

    await using var bench = new Bench(options);
    var results = await bench.RunAsync(stop.Token).ConfigureAwait(false);
    Report.Print(Console.Out, options, results);
    if (options.JsonFile is { } file)
    {
        await File.WriteAllTextAsync(file, Report.ToJson(options, results), CancellationToken.None).ConfigureAwait(false);
    }

    return 0;
}
catch (Exception e) when (e is BenchmarkException or NpgsqlException or StorageException)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
