using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// <c>unix:passwd.byname</c> and <c>unix:group.byname</c>: the system's own users and groups, in the form of passwd(5) and group(5).
/// Answers are kept for two seconds, for a message asks several times and a name service may be slow.
/// </summary>
internal sealed class UnixTable : ILookupTable
{
    private const int KeptAnswers = 4096;
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(2);

    private readonly Func<string, LookupResult> find;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Dictionary<string, LookupResult> answers = new(StringComparer.Ordinal);
    private long since;

    private UnixTable(string reference, Func<string, LookupResult> find, TimeProvider time)
    {
        Reference = reference;
        this.find = find;
        this.time = time;
        since = time.GetTimestamp();
    }

    public string Reference { get; }

    public bool MatchesWholeKey => false;

    public static ILookupTable Open(TableReference reference, TimeProvider time) => reference.Name switch
    {
        "passwd.byname" => new UnixTable(reference.ToString(), UnixNames.FindUser, time),
        "group.byname" => new UnixTable(reference.ToString(), UnixNames.FindGroup, time),
        _ => new FailingTable(reference.ToString(), $"unknown table: {reference}"),
    };

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        key = key.ToLowerInvariant();
        lock (gate)
        {
            if (answers.Count >= KeptAnswers || time.GetElapsedTime(since) > Kept)
            {
                answers.Clear();
                since = time.GetTimestamp();
            }
            else if (answers.TryGetValue(key, out var known))
            {
                return new(known);
            }
        }

        var result = find(key);
        if (!result.IsFailed)
        {
            lock (gate)
            {
                answers[key] = result;
            }
        }

        return new(result);
    }
}
