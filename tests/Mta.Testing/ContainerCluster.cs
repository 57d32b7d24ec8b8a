using Testcontainers.PostgreSql;

namespace Mta.Testing;

/// <summary>A PostgreSQL server in a container, for machines that have a container engine and no server programs.</summary>
internal static class ContainerCluster
{
    /// <summary>The image that MTA_TEST_POSTGRES_IMAGE names, else Docker's own.</summary>
    public static async Task<string> StartAsync()
    {
        var image = Environment.GetEnvironmentVariable("MTA_TEST_POSTGRES_IMAGE") ?? "postgres:17";
        try
        {
            var container = new PostgreSqlBuilder(image)
                .WithCommand("-c", "fsync=off", "-c", "max_connections=300")
                .Build();
            await container.StartAsync().ConfigureAwait(false);
            return container.GetConnectionString();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                "no PostgreSQL for the tests: set MTA_TEST_DATABASE_URL, install the server programs (apt-get install postgresql), or start a container engine", e);
        }
    }
}
