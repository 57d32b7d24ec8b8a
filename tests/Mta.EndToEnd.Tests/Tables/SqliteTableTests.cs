using Microsoft.Data.Sqlite;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>sqlite: tables over one file, asked here and by Debian's postmap.</summary>
public sealed class SqliteTableTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-sqlite-").FullName;

    public SqliteTableTests()
    {
        File.WriteAllText(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n");
        Run("""
            CREATE TABLE alias (address text, goto text, n integer);
            INSERT INTO alias VALUES ('user@example.com', 'a@b.c', 1), ('user@example.com', 'plain', 2), ('user@example.com', NULL, 3),
                ('o''neil@example.com', '@b.c', 4), ('back\slash@example.com', 'd@e.f', 5), ('user@sub.example.com', 'g@h.i', 6), ('user', 'local', 7)
            """);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Database => Path.Combine(directory, "db");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n")]
    [InlineData("query = SELECT goto, n FROM alias WHERE address = '%u@%d' AND '%%' = '%%' ORDER BY n\nresult_format = <%s>")]
    [InlineData("query = SELECT n FROM alias WHERE address = '%s' ORDER BY n")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nresult_format = %u at %d of %S in %D by %U")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nresult_format = %1.%2")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\ndomain = example.com, sub.example.com")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nexpansion_limit = 1")]
    [InlineData("table = alias\nselect_field = goto\nwhere_field = address\nadditional_conditions = AND n < 2")]
    [InlineData("query = SELECT no_such_column FROM alias")]
    public async Task Queries_answer_as_Debians(string config)
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, $"dbpath = {Database}\n{config}\n", Stop);
        await TableComparison.AnswersAreAsDebiansAsync(
            directory, "sqlite:" + file, ["User@Example.com", "o'neil@example.com", @"back\slash@example.com", "user@sub.example.com", "user", "@example.com", "none@x"]);
    }

    [Fact]
    public async Task A_change_counts_at_the_next_lookup_and_a_missing_file_fails()
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, $"dbpath = {Database}\nquery = SELECT goto FROM alias WHERE address = '%s'\n", Stop);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        var table = registry.Open("sqlite:" + file);
        (await table.FindAsync("new", Stop)).IsFound.ShouldBeFalse();
        Run("INSERT INTO alias VALUES ('new', 'there', 8)");
        (await table.FindAsync("new", Stop)).Value.ShouldBe("there");

        await File.WriteAllTextAsync(file + "2", $"dbpath = {Database}-none\nquery = SELECT 1\n", Stop);
        (await registry.Open($"sqlite:{file}2").FindAsync("new", Stop)).IsFailed.ShouldBeTrue();
        File.Exists(Database + "-none").ShouldBeFalse();
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
