using FluentMigrator.Runner.VersionTableInfo;

namespace Mta.Storage.Migrations;

/// <summary>FluentMigrator's own table, in our schema and in our words: <c>mta.schema_version</c>.</summary>
internal sealed class VersionTable : IVersionTableMetaData
{
    /// <summary>False: the runner makes the schema before, because its owner may be another role than the one that migrates.</summary>
    public bool OwnsSchema => false;

    public string SchemaName => "mta";

    public string TableName => "schema_version";

    public string ColumnName => "version";

    public string DescriptionColumnName => "file";

    public string AppliedOnColumnName => "applied_at";

    public string UniqueIndexName => "schema_version_version_key";

    public bool CreateWithPrimaryKey => false;
}
