using System.Globalization;

namespace Mta.Benchmarks;

/// <summary>What to measure, and how often.</summary>
internal sealed record BenchmarkOptions
{
    public const string Usage =
        """
        usage: bench.sh [--vs-postfix] [--json FILE] [--quick] [--turns N] [--only load,latency,memory,backlog] [--no-mta] [--dist DIR] [--database URL]
                   rates, latency, memory and backlog, in turns with Postfix's
               bench.sh --deferred N [--quick] [--turns N]
                   what N deferred messages of 1 KB change; 5,000,000 need 14 GB where TMPDIR is, half as much again free, and 30 minutes
               bench.sh --soak TIME
                   load at 70 % of capacity with a snapshot held open, for example 30m; then as long as it takes until space is used again
               bench.sh --tables N [--vs-postfix] [--quick] [--turns N]
                   the relay rate with virtual and transport tables of N rows beside the rate without, recipients varied
               bench.sh --storage [--quick] [--only content,ring,vacuum]
                   ways to store content and hot rows, and to clean up behind them, side by side
               bench.sh --history [--quick] [--turns N]
                   the relay rate with the history kept beside the rate with its rows thrown away by the database
        Those with limits end with 1 when a figure misses one; all but the first use a PostgreSQL of their own, which goes with them.
        """;

    /// <summary>Measure a private instance of Debian's Postfix as well, in turns.</summary>
    public bool VersusPostfix { get; init; }

    /// <summary>Leave our own server out: to try the Postfix side.</summary>
    public bool WithoutMta { get; init; }

    public string? JsonFile { get; init; }

    /// <summary>A tenth of the messages, one turn: shows that everything works, measures nothing well.</summary>
    public bool Quick { get; init; }

    public int Turns { get; init; } = 5;

    public string[] Parts { get; init; } = ["load", "latency", "memory", "backlog"];

    public string Dist { get; init; } = "dist";

    public string? DatabaseUrl { get; init; }

    public int[] Sizes { get; init; } = [4096, 65536];

    public int[] Sessions { get; init; } = [1, 20, 100];

    /// <summary>Fill so many deferred messages and measure beside them.</summary>
    public int? Deferred { get; init; }

    /// <summary>Load with a snapshot held open for so long.</summary>
    public TimeSpan? Soak { get; init; }

    /// <summary>Rows of the tables under measurement.</summary>
    public int? TableRows { get; init; }

    /// <summary>Compare ways to store.</summary>
    public bool Storage { get; init; }

    /// <summary>Measure what the history costs.</summary>
    public bool History { get; init; }

    public bool Help { get; init; }

    public int Backlog => Quick ? 1000 : 50_000;

    /// <summary>Messages of one load: enough for about ten seconds of Postfix.</summary>
    public int Messages(int size, int sessions) =>
        (sessions == 1 ? 1000 : size > 16384 ? 2000 : 5000) / (Quick ? 10 : 1);

    /// <summary>Null for arguments that are not understood.</summary>
    public static BenchmarkOptions? Parse(string[] args)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--vs-postfix":
                    options = options with { VersusPostfix = true };
                    continue;
                case "--no-mta":
                    options = options with { WithoutMta = true };
                    continue;
                case "--quick":
                    options = options with { Quick = true, Turns = 1 };
                    continue;
                case "--storage":
                    options = options with { Storage = true };
                    continue;
                case "--history":
                    options = options with { History = true };
                    continue;
                case "--help":
                    options = options with { Help = true };
                    continue;
                case "--deferred" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var deferred) && deferred >= 10_000:
                    options = options with { Deferred = deferred };
                    break;
                case "--soak" when Time(value) is { } time:
                    options = options with { Soak = time };
                    break;
                case "--tables" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rows) && rows > 0:
                    options = options with { TableRows = rows };
                    break;
                case "--json" when value is not null:
                    options = options with { JsonFile = value };
                    break;
                case "--turns" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var turns) && turns > 0:
                    options = options with { Turns = turns };
                    break;
                case "--only" when value is not null:
                    options = options with { Parts = value.Split(',') };
                    break;
                case "--dist" when value is not null:
                    options = options with { Dist = value };
                    break;
                case "--database" when value is not null:
                    options = options with { DatabaseUrl = value };
                    break;
                case "--sizes" when value is not null:
                    options = options with { Sizes = Numbers(value) };
                    break;
                case "--sessions" when value is not null:
                    options = options with { Sessions = Numbers(value) };
                    break;
                default:
                    return null;
            }

            i++;
        }

        return options.WithoutMta && !options.VersusPostfix ? null : options;
    }

    /// <summary>Seconds, or with s, m or h behind the number.</summary>
    private static TimeSpan? Time(string? text)
    {
        var factor = text is [.., var unit] ? unit switch { 'm' => 60, 'h' => 3600, _ => 1 } : 0;
        return double.TryParse(text?.TrimEnd('s', 'm', 'h'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * factor >= 30
            ? TimeSpan.FromSeconds(number * factor)
            : null;
    }

    private static int[] Numbers(string list) => [.. list.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
}
