using System.Globalization;

namespace Mta.Benchmarks;

/// <summary>What the kernel knows of a process and all its descendants.</summary>
internal static class ProcessGroup
{
    // USER_HZ is 100 on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>
    /// Seconds of CPU that the roots and their descendants used so far, with those that ended and were waited for: a difference of
    /// two readings is what they used in between.
    /// </summary>
    public static double CpuSeconds(IEnumerable<int> roots)
    {
        long ticks = 0;
        foreach (var process in Descendants(roots))
        {
            if (ReadStat(process) is { } stat)
            {
                // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
                ticks += stat[13..17].Sum(long.Parse);
            }
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>Bytes of memory, shared pages counted in proportion (PSS).</summary>
    public static long ProportionalSize(IEnumerable<int> roots)
    {
        long kilobytes = 0;
        foreach (var process in Descendants(roots))
        {
            try
            {
                foreach (var line in File.ReadLines($"/proc/{process}/smaps_rollup"))
                {
                    if (line.StartsWith("Pss:", StringComparison.Ordinal))
                    {
                        kilobytes += long.Parse(line[4..^2], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
                        break;
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile.
            }
        }

        return kilobytes * 1024;
    }

    public static IReadOnlyCollection<int> Descendants(IEnumerable<int> roots)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && ReadStat(process) is { } stat)
            {
                var parent = int.Parse(stat[3], CultureInfo.InvariantCulture);
                (children.TryGetValue(parent, out var list) ? list : children[parent] = []).Add(process);
            }
        }

        var found = new HashSet<int>();
        var open = new Stack<int>(roots);
        while (open.TryPop(out var process))
        {
            if (found.Add(process) && children.TryGetValue(process, out var list))
            {
                list.ForEach(open.Push);
            }
        }

        return found;
    }

    // The second field is the program's name in parentheses, which may have spaces.
    private static string[]? ReadStat(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var end = text.LastIndexOf(')');
            return [text[..text.IndexOf('(', StringComparison.Ordinal)], "", .. text[(end + 2)..].Split(' ')];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
