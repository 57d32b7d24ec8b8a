using Microsoft.Extensions.Logging;
using Npgsql;

namespace Mta.Services.Tests.Maps;

/// <summary>Counts the statements that a data source of its own sends.</summary>
internal sealed class StatementCount : ILoggerFactory, ILogger
{
    private int count;

    public int Taken => Volatile.Read(ref count);

    public NpgsqlDataSource Connect(string connectionString) => new NpgsqlDataSourceBuilder(connectionString).UseLoggerFactory(this).Build();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Name == "CommandExecutionCompleted")
        {
            Interlocked.Increment(ref count);
        }
    }

    public void Dispose()
    {
    }
}
