using FluentMigrator;
using FluentMigrator.Infrastructure;
using FluentMigrator.Runner;

namespace Mta.Storage.Migrations;

/// <summary>A migration that runs one numbered SQL file. There is no way down: a release only adds, a later one takes away.</summary>
internal sealed class SqlFileMigration(SqlScript script) : ForwardOnlyMigration
{
    public override void Up() => Execute.Sql(script.Text, script.Name);
}

/// <summary>Gives FluentMigrator one migration for each file, so that a new migration is a new file and nothing else.</summary>
internal sealed class SqlFileMigrationLoader : IMigrationInformationLoader
{
    public SortedList<long, IMigrationInfo> LoadMigrations()
    {
        var migrations = new SortedList<long, IMigrationInfo>();
        foreach (var script in SqlScripts.Migrations)
        {
            migrations.Add(script.Version, new MigrationInfo(script.Version, script.Name, TransactionBehavior.Default, isBreakingChange: false, () => new SqlFileMigration(script)));
        }

        return migrations;
    }
}
