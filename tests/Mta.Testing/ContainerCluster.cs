using Testcontainers.PostgreSql;

namespace Mta.Testing;

/// <summary>
/// A PostgreSQL server in a container, for machines that have a container engine and no server programs. Tried with Docker 20.10,
/// which is so old that it wants DOCKER_API_VERSION=1.41 in the environment.
/// </summary>
internal static class ContainerCluster
{
    private static readonly string? NamedImage = Environment.GetEnvironmentVariable("MTA_TEST_POSTGRES_IMAGE");

    public static bool IsAskedFor => !string.IsNullOrEmpty(NamedImage);

    /// <summary>The image that MTA_TEST_POSTGRES_IMAGE names, else Docker's own.</summary>
    public static async Task<string> StartAsync()
    {
        var image = IsAskedFor ? NamedImage! : "postgres:17";
        try
        {
            var container = new PostgreSqlBuilder(image)
                .WithCommand("-c", "fsync=off", "-c", "max_connections=300")
                .Build();
            await container.StartAsync().ConfigureAwait(false);
            // Where the reaper's image cannot be had (TESTCONTAINERS_RYUK_DISABLED) nobody else takes it away.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(20));
            return container.GetConnectionString();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                "no PostgreSQL for the tests: set MTA_TEST_DATABASE_URL, install the server programs (apt-get install postgresql), or start a container engine", e);
        }
    }
}
