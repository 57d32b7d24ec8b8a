using Mta.Testing;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>The database of all cases; their tables have names of their own.</summary>
public sealed class TableCasesDatabase : IAsyncLifetime
{
    internal TestDatabase Database { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Database = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
