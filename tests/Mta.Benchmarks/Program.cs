using Mta.Benchmarks;

if (BenchmarkOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchmarkOptions.Usage);
    return 64;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

await using var bench = new Bench(options);
try
{
    var results = await bench.RunAsync(stop.Token).ConfigureAwait(false);
    Report.Print(Console.Out, options, results);
    if (options.JsonFile is { } file)
    {
        await File.WriteAllTextAsync(file, Report.ToJson(options, results), CancellationToken.None).ConfigureAwait(false);
    }

    return 0;
}
catch (BenchmarkException e)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
