using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Checks;

/// <summary>The tables of one parameter of checks, with its name for messages.</summary>
internal sealed class CheckTables(TableRegistry tables, Settings settings, Parameter<string> parameter)
{
    public string Name => parameter.Name;

    public ContentTables Tables { get; } = tables.OpenForContent(settings, parameter);

    public bool IsEmpty => Tables.IsEmpty;
}
