using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>Which rules a table of patterns has, and how they are read.</summary>
/// <param name="Bytes">Keys and results are bytes, each a character (Latin-1), as rules are always: messages are not always text.</param>
/// <param name="AllowsGroups">False where results must not have <c>$1</c>.</param>
internal readonly record struct PatternRules(TableReference Reference, bool Bytes, bool AllowsGroups);
