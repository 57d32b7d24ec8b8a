namespace Mta.Core.Lookup.Patterns;

/// <summary>
/// The rules of a table of patterns in the order of its source, with the blocks of <c>if</c> and <c>endif</c>: a rule that ends the search
/// has a result, one that opens a block says where the search goes on when it does not match.
/// </summary>
public sealed class RuleList<TRule>
    where TRule : class
{
    private readonly List<Step> steps = [];
    private readonly Stack<(int Step, int Line)> open = new();

    public int Count => steps.Count;

    public TRule this[int index] => steps[index].Rule;

    /// <summary>A rule with a result.</summary>
    public void Add(TRule rule) => steps.Add(new Step(rule, 0));

    /// <summary>A rule that opens a block.</summary>
    public void OpenBlock(TRule rule, int line)
    {
        open.Push((steps.Count, line));
        steps.Add(new Step(rule, 0));
    }

    /// <summary>False when there is no block to close.</summary>
    public bool CloseBlock()
    {
        if (!open.TryPop(out var block))
        {
            return false;
        }

        steps[block.Step] = steps[block.Step] with { Otherwise = steps.Count };
        return true;
    }

    /// <summary>Closes what is open at the end of the source, and gives the lines where that began.</summary>
    public IReadOnlyList<int> Finish()
    {
        var lines = new List<int>();
        while (open.TryPeek(out var block))
        {
            lines.Add(block.Line);
            CloseBlock();
        }

        return lines;
    }

    /// <summary>True for a rule that opens a block: when it matches, the search goes on behind it; else at <paramref name="otherwise"/>.</summary>
    public bool IsBlock(int index, out int otherwise)
    {
        otherwise = steps[index].Otherwise;
        return otherwise > 0;
    }

    private readonly record struct Step(TRule Rule, int Otherwise);
}
