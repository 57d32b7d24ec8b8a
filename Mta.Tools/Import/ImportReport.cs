namespace Mta.Tools.Import;

/// <summary>What an import says at its end, by sections; empty ones are left out.</summary>
internal sealed class ImportReport
{
    private readonly List<string> tables = [];
    private readonly List<string> configuration = [];
    private readonly List<string> differs = [];
    private readonly List<string> left = [];
    private readonly List<string> problems = [];

    /// <summary>True when something that the configuration needs could not be taken over.</summary>
    public bool HasProblems => problems.Count > 0;

    public void Table(string text) => tables.Add(text);

    /// <summary>What became of main.cf and master.cf.</summary>
    public void Configuration(string text) => configuration.Add(text);

    /// <summary>What is there and does not work as in Postfix.</summary>
    public void Differs(string text) => differs.Add(text);

    /// <summary>What was not touched, and goes on working or has to be seen to.</summary>
    public void Left(string text) => left.Add(text);

    public void Problem(string text) => problems.Add(text);

    public void Print(TextWriter output, bool dryRun)
    {
        Print(output, dryRun ? "Tables that would be imported" : "Tables imported", tables);
        Print(output, dryRun ? "Configuration that would be written" : "Configuration", configuration);
        Print(output, "Differs from Postfix", differs);
        Print(output, "Left as it is", left);
        Print(output, "Problems", problems);
        if (dryRun)
        {
            output.WriteLine("Nothing was changed.");
        }
    }

    private static void Print(TextWriter output, string title, List<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        output.WriteLine($"{title}:");
        foreach (var line in lines)
        {
            output.WriteLine($"  {line}");
        }
    }
}
