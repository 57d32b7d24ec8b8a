namespace Mta.Benchmarks;

/// <summary>One figure of one server in one turn.</summary>
/// <param name="Server">mta or postfix.</param>
/// <param name="What">The row of the table, for example <c>4 KB, 20 sessions: end to end</c>.</param>
/// <param name="Unit">msg/s, ms, MB ...; for msg/s more is better, for all others less.</param>
internal sealed record Measurement(string Server, string What, string Unit, double Value);
