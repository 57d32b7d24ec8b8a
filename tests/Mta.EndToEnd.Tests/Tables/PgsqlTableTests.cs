using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>pgsql: tables over the same rows, asked here and by Debian's postmap.</summary>
public sealed class PgsqlTableTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-pgsql-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Hosts
    {
        get
        {
            var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
            return $"""
                hosts = {(server.Host!.StartsWith('/') ? $"unix:{server.Host}" : $"inet:{server.Host}:{server.Port}")}
                user = {server.Username}
                password = {server.Password}
                dbname = {server.Database}

                """;
        }
    }

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        await using var command = database.DataSource.CreateCommand("""
            CREATE TABLE public.alias (address text, goto text, n integer);
            INSERT INTO public.alias VALUES ('user@example.com', 'a@b.c', 1), ('user@example.com', 'plain', 2), ('user@example.com', NULL, 3),
                ('o''neil@example.com', '@b.c', 4), ('back\slash@example.com', 'd@e.f', 5), ('user@sub.example.com', 'g@h.i', 6), ('user', 'local', 7)
            """);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(directory, recursive: true);
        await database.DisposeAsync();
    }

    [Theory]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n")]
    [InlineData("query = SELECT goto, n FROM alias WHERE address = '%u@%d' AND '%%' = '%%' ORDER BY n\nresult_format = <%s>")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nresult_format = %u at %d of %S in %D by %U")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nresult_format = %1.%2")]
    [InlineData("query = SELECT '%3' FROM alias WHERE address = '%s' AND n > 4 ORDER BY n")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\ndomain = example.com, sub.example.com")]
    [InlineData("query = SELECT goto FROM alias WHERE address = '%s' ORDER BY n\nexpansion_limit = 1")]
    [InlineData("select_function = upper")]
    [InlineData("table = alias\nselect_field = goto\nwhere_field = address\nadditional_conditions = AND n < 2")]
    [InlineData("query = SELECT no_such_column FROM alias")]
    public async Task Queries_answer_as_Debians(string config)
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, Hosts + config + "\n", Stop);
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", Stop);
        await TableComparison.AnswersAreAsDebiansAsync(
            directory, "pgsql:" + file, ["User@Example.com", "o'neil@example.com", @"back\slash@example.com", "user@sub.example.com", "user", "@example.com", "none@x"]);
    }

    [Fact]
    public async Task Parameters_can_be_in_main_cf()
    {
        var values = Hosts.Split('\n', StringSplitOptions.RemoveEmptyEntries).Append("query = SELECT goto FROM alias WHERE address = '%s' AND n = 1")
            .Select(l => l.Split(" = ", 2)).Select(p => new KeyValuePair<string, string>("own_" + p[0], p[1]));
        var settings = new Settings([.. values, new("virtual_alias_maps", "proxy:pgsql:own")]);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        (await registry.Open(settings, Parameters.VirtualAliasMaps).FindAsync("user@example.com", Stop)).Value.ShouldBe("a@b.c");
    }

    [Fact]
    public async Task A_host_that_is_away_is_passed_over_and_no_host_is_a_failure()
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, Hosts.Replace("hosts = ", "hosts = inet:127.0.0.1:1 ") + "query = SELECT 'x'\n", Stop);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        (await registry.Open("pgsql:" + file).FindAsync("k", Stop)).Value.ShouldBe("x");

        var away = Path.Combine(directory, "away.cf");
        await File.WriteAllTextAsync(away, "hosts = 127.0.0.1:1\nuser = u\nquery = SELECT 'x'\n", Stop);
        (await registry.Open("pgsql:" + away).FindAsync("k", Stop)).IsFailed.ShouldBeTrue();
        (await registry.Open("pgsql:/none").FindAsync("k", Stop)).IsFailed.ShouldBeTrue();
    }

    private static LookupOutcome Outcome((int Exit, string Output, string Error) answer) =>
        answer.Exit == 0 ? LookupOutcome.Found : answer.Error.Contains("fatal:") ? LookupOutcome.Failed : LookupOutcome.NotFound;

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
