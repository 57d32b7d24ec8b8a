using System.Collections.Frozen;

namespace Mta.Core.Config;

/// <summary>The parameter table: every name of Postfix 3.12 and our own, with default, kind and range.</summary>
public static partial class Parameters
{
    /// <summary>Explicit, so that the whole table is there when <see cref="All"/> is asked for before any field.</summary>
    static Parameters()
    {
    }

    /// <summary>All parameters; the position of each is its <see cref="Parameter.Ordinal"/>.</summary>
    public static IReadOnlyList<Parameter> All => Registry.List;

    public static FrozenDictionary<string, Parameter> ByName => Index.Value;

    private static Parameter<string> Text(string name, string defaultText, long? min = null) =>
        Register(new Parameter<string>(name, defaultText, ParameterKind.Text) { Min = min });

    private static Parameter<string> Raw(string name, string defaultText) => Register(new Parameter<string>(name, defaultText, ParameterKind.Raw));

    private static Parameter<bool> Bool(string name, string defaultText) => Register(new Parameter<bool>(name, defaultText, ParameterKind.Bool));

    private static Parameter<int> Int(string name, string defaultText, long? min = 0, long? max = null) =>
        Register(new Parameter<int>(name, defaultText, ParameterKind.Int) { Min = min, Max = max });

    private static Parameter<long> Long(string name, string defaultText, long? min = 0, long? max = null) =>
        Register(new Parameter<long>(name, defaultText, ParameterKind.Long) { Min = min, Max = max });

    private static Parameter<TimeSpan> Time(string name, string defaultText, long? min = 1, long? max = null) =>
        Register(new Parameter<TimeSpan>(name, defaultText, ParameterKind.Time) { Min = min, Max = max });

    private static TParameter Register<TParameter>(TParameter parameter)
        where TParameter : Parameter
    {
        parameter.Ordinal = Registry.List.Count;
        Registry.List.Add(parameter);
        return parameter;
    }

    /// <summary>A class of its own, so that it exists before the first field of any part of the table is set.</summary>
    private static class Registry
    {
        public static readonly List<Parameter> List = [];
    }

    private static class Index
    {
        public static readonly FrozenDictionary<string, Parameter> Value = Registry.List.ToFrozenDictionary(p => p.Name, StringComparer.Ordinal);
    }
}
