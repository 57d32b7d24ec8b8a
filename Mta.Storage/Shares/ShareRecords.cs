namespace Mta.Storage.Shares;

/// <summary>What a node holds and wants of a limit that the whole cluster keeps, beyond the part that it uses without asking.</summary>
/// <param name="Name">transport:destination, or transport: for the whole transport; in lower case.</param>
/// <param name="Slots">The limit: deliveries at once, of all nodes together.</param>
/// <param name="Held">What it does not give back now.</param>
/// <param name="Delay">Seconds between two deliveries; 0 without a rate delay.</param>
/// <param name="Wait">Seconds until the next delivery may begin, as far as this node knows.</param>
public readonly record struct ShareAsk(string Name, int Slots, int Held, int Wanted, float Delay, float Wait);

/// <param name="Granted">What it may use beyond its own part; never less than what it holds.</param>
/// <param name="Fair">What each gets at most while others want more than they have.</param>
/// <param name="OthersWant">Another node wants more than it has.</param>
/// <param name="OthersStarve">Another node has nothing and wants some.</param>
/// <param name="Wait">Seconds until the next delivery may begin, as far as any node has said.</param>
public readonly record struct ShareAnswer(string Name, int Granted, int Fair, bool OthersWant, bool OthersStarve, float Wait);

/// <param name="Nodes">By how many nodes to divide limits from now on; null when the epoch has ended.</param>
public sealed record ShareExchangeResult(int? Nodes, IReadOnlyList<ShareAnswer> Answers);

/// <summary>A destination that a node found dead, or alive again.</summary>
/// <param name="Name">transport:destination, in lower case.</param>
/// <param name="Destination">The next hop whose deferred mail waits, in lower case; null when it is one of its recipients only.</param>
/// <param name="Seconds">For how long it is dead; 0 when it may be tried again, less than 0 when it lives.</param>
public readonly record struct DestinationNews(string Name, string? Destination, double Seconds, string Dsn, string Reason);

/// <summary>What the nodes know of each other and of destinations, as of one moment.</summary>
/// <param name="DeliveringNodes">Nodes whose epoch lives and that deliver, this one included.</param>
/// <param name="News">Destinations that were found dead or alive by others since the last time; some may be told twice.</param>
public sealed record SharedState(int DeliveringNodes, IReadOnlyList<DestinationNews> News);
