using Mta.Core.Lookup;
using Mta.Services.Configuration;

namespace Mta.Services.Maps.Tables;

/// <summary><c>texthash:</c>, a postmap(1) source file read when it is opened; the first of two equal keys counts.</summary>
internal static class TextHashTable
{
    /// <param name="warn">Takes what is wrong with lines of the file.</param>
    public static ILookupTable Open(TableReference reference, Action<string> warn)
    {
        try
        {
            var text = File.ReadAllText(reference.Name);
            return new MemoryTable(reference.ToString(), new TableSource(reference.Name, aliases: false, w => warn(AsPostfix(w))) { ShowsKeysAsWritten = true }.Read(text));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new FailingTable(reference.ToString(), $"open database {reference.Name}: {OpenFailure.Reason(reference.Name, e)}");
        }
    }

    /// <summary>One warning has other words here than in postmap(1).</summary>
    private static string AsPostfix(string warning) =>
        warning.EndsWith(": expected format: key whitespace value", StringComparison.Ordinal) ? warning + " -- ignoring this line" : warning;
}
