using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Mta.Core.Config;
using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Configuration;

/// <summary>
/// This program's parameter table as rows of <c>mta_store.parameter_definition</c>, by which the database judges what is written to
/// <c>mta.parameter</c>. Of nodes with different versions the newest one's counts.
/// </summary>
internal static class ParameterDefinitions
{
    private const string Current = "SELECT definitions, definitions_program FROM mta_store.parameter_version FOR UPDATE";

    private const string Replace =
        """
        DELETE FROM mta_store.parameter_definition;
        INSERT INTO mta_store.parameter_definition
            (name, kind, minimum, maximum, default_text, unit, choices, is_list, refused, checked, referable)
        SELECT name, kind, minimum, maximum, default_text, unit, string_to_array(choices, ' '), is_list, refused, checked, referable
        FROM unnest(@names, @kinds, @minima, @maxima, @defaults, @units, @choices, @lists, @refusals, @checked, @referable)
            AS d (name, kind, minimum, maximum, default_text, unit, choices, is_list, refused, checked, referable);
        UPDATE mta_store.parameter_version SET definitions = @fingerprint, definitions_program = @program;
        """;

    private static readonly (string Name, Parameter Parameter)[] All =
        [.. Parameters.All.Select(p => (p.Name, p)), .. TransportParameters.All.Select(t => ("*" + t.Suffix, t.General))];

    private static readonly string Fingerprint = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', All.Select(Describe)))));

    /// <summary>Writes the definitions unless they are there, or those of a newer program.</summary>
    /// <param name="owner">The role that owns the tables; null when the login role does.</param>
    public static async Task ApplyAsync(NpgsqlConnection connection, string? owner, Version program, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        if (owner is not null)
        {
            await using var role = new NpgsqlCommand($"SET LOCAL ROLE \"{owner}\"", connection);
            await role.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await using (var current = new NpgsqlCommand(Current, connection))
        await using (var reader = await current.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (reader.GetString(0) == Fingerprint || Version.Parse(reader.GetString(1)) > program)
            {
                return;
            }
        }

        await using var replace = new NpgsqlCommand(Replace, connection);
        Add("names", NpgsqlDbType.Text, [.. All.Select(d => d.Name)]);
        Add("kinds", NpgsqlDbType.Text, [.. All.Select(d => Kind(d.Parameter))]);
        Add("minima", NpgsqlDbType.Bigint, [.. All.Select(d => (object?)d.Parameter.Min)]);
        Add("maxima", NpgsqlDbType.Bigint, [.. All.Select(d => (object?)d.Parameter.Max)]);
        Add("defaults", NpgsqlDbType.Text, [.. All.Select(d => d.Parameter.DefaultText)]);
        Add("units", NpgsqlDbType.Text, [.. All.Select(d => Unit(d.Parameter))]);
        Add("choices", NpgsqlDbType.Text, [.. All.Select(d => d.Parameter.Choices is { } choices ? string.Join(' ', choices.Words) : null)]);
        Add("lists", NpgsqlDbType.Boolean, [.. All.Select(d => (object?)(d.Parameter.Choices?.IsList ?? false))]);
        Add("refusals", NpgsqlDbType.Text, [.. All.Select(d => StoredParameterPolicy.Refusal(d.Parameter))]);
        Add("checked", NpgsqlDbType.Boolean, [.. All.Select(d => (object?)StoredParameterPolicy.IsChecked(d.Parameter))]);
        Add("referable", NpgsqlDbType.Boolean, [.. All.Select(d => (object?)StoredParameterPolicy.MayRefer(d.Name.TrimStart('*')))]);
        replace.Parameters.AddWithValue("fingerprint", Fingerprint);
        replace.Parameters.AddWithValue("program", program.ToString(3));
        await replace.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);

        void Add(string name, NpgsqlDbType type, object?[] values) =>
            replace.Parameters.Add(new NpgsqlParameter(name, NpgsqlDbType.Array | type) { Value = values.Select(v => v ?? DBNull.Value).ToArray() });
    }

    private static string Describe((string Name, Parameter Parameter) definition)
    {
        var (name, p) = definition;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{name}|{p.Kind}|{p.Min}|{p.Max}|{p.DefaultText}|{string.Join(' ', p.Choices?.Words ?? [])}|{p.Choices?.IsList}|{StoredParameterPolicy.Refusal(p)}|{StoredParameterPolicy.IsChecked(p)}|{StoredParameterPolicy.MayRefer(p.Name)}");
    }

    private static string Kind(Parameter parameter) => parameter.Kind switch
    {
        ParameterKind.Raw => "raw",
        ParameterKind.Bool => "bool",
        ParameterKind.Int => "int",
        ParameterKind.Long => "long",
        ParameterKind.Time => "time",
        _ => "text",
    };

    private static string? Unit(Parameter parameter) =>
        parameter.Kind == ParameterKind.Time ? ParameterKinds.DefaultUnit(parameter).ToString() : null;
}
