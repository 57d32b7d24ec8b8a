using System.Collections.Concurrent;

namespace Mta.Core.Config;

/// <summary>An immutable snapshot of the effective configuration of one service; reload makes a new one.</summary>
public sealed class Settings
{
    private readonly Dictionary<string, string> values;
    private readonly StoredValues stored;
    private readonly HostFacts host;

    /// <summary>By <see cref="Parameter.Ordinal"/>; two threads that meet write equal values.</summary>
    private readonly object?[] parsed = new object?[Parameters.All.Count];

    /// <summary>The same for each transport that was asked for.</summary>
    private readonly ConcurrentDictionary<string, object?[]> transports = new(StringComparer.Ordinal);

    private Settings? own;

    /// <summary>A snapshot of values as main.cf would have them, on a host that knows only itself.</summary>
    public Settings(IEnumerable<KeyValuePair<string, string>> values)
        : this(values, HostFacts.Loopback)
    {
    }

    public Settings(IEnumerable<KeyValuePair<string, string>> values, HostFacts host)
        : this(new Dictionary<string, string>(values, StringComparer.Ordinal), StoredValues.None, host)
    {
    }

    private Settings(Dictionary<string, string> values, StoredValues stored, HostFacts host)
    {
        this.values = values;
        this.stored = stored;
        this.host = host;
    }

    /// <summary>The names that have a value of their own, known and user-defined ones.</summary>
    public IEnumerable<string> Names => values.Keys.Union(stored.Values.Keys);

    public HostFacts Host => host;

    /// <summary>The values of SQL, of which those count that the configuration files do not set.</summary>
    public StoredValues Stored => stored;

    /// <summary>The same without the values of SQL.</summary>
    public Settings Own => stored.IsEmpty ? this : own ??= new Settings(values, StoredValues.None, host);

    /// <summary>A snapshot with these values of SQL, which come after those of the files and before the defaults.</summary>
    public Settings WithStored(StoredValues values) => new(this.values, values, host);

    /// <summary>The value of a parameter, expanded and read; the value is kept, so that the second call costs an array access.</summary>
    /// <exception cref="SettingsException">The value is no good; <see cref="Validate"/> says so beforehand.</exception>
    public T Get<T>(Parameter<T> parameter)
    {
        if (parsed[parameter.Ordinal] is T known)
        {
            return known;
        }

        var value = Read(parameter, parameter.Name);
        parsed[parameter.Ordinal] = value;
        return (T)value;
    }

    /// <summary>
    /// The value for one transport: of <c>TRANSPORT_destination_concurrency_limit</c> for <c>default_destination_concurrency_limit</c> and
    /// the like, of <c>TRANSPORT_initial_destination_concurrency</c>, of <c>TRANSPORT_time_limit</c> for <c>command_time_limit</c>; without
    /// one, that of <paramref name="fallback"/>.
    /// </summary>
    /// <exception cref="SettingsException">The value is no good.</exception>
    public T Transport<T>(string transport, Parameter<T> fallback)
    {
        if (!transports.TryGetValue(transport, out var own))
        {
            own = transports.GetOrAdd(transport, new object?[Parameters.All.Count]);
        }

        if (own[fallback.Ordinal] is T known)
        {
            return known;
        }

        var name = TransportParameters.NameOf(transport, fallback);
        var value = IsSet(name) || Parameters.ByName.ContainsKey(name) ? Read(fallback, name) : Read(fallback, fallback.Name);
        own[fallback.Ordinal] = value;
        return (T)value;
    }

    /// <summary>A snapshot in which <paramref name="overrides"/> (a service's <c>-o</c> in master.cf) come first.</summary>
    public Settings With(IEnumerable<KeyValuePair<string, string>> overrides)
    {
        var merged = new Dictionary<string, string>(values, StringComparer.Ordinal);
        foreach (var (name, value) in overrides)
        {
            merged[name] = value;
        }

        return new Settings(merged, stored, host);
    }

    /// <summary>Whether a value was given for the name, be it the default's.</summary>
    public bool IsSet(string name) => values.ContainsKey(name) || stored.Values.ContainsKey(name);

    /// <summary>Whether the value comes from SQL.</summary>
    public bool IsStored(string name) => !values.ContainsKey(name) && stored.Values.ContainsKey(name);

    /// <summary>The text of any name as written, else its default; null for a name that is neither set nor known.</summary>
    public string? Raw(string name) =>
        values.TryGetValue(name, out var value) || stored.Values.TryGetValue(name, out value) ? value
        : ComputedDefaults.Find(name, this, host) ?? Parameters.ByName.GetValueOrDefault(name)?.DefaultText;

    /// <summary>The expanded text of any name, known or user-defined; null when it is neither.</summary>
    /// <exception cref="SettingsException">The text cannot be expanded.</exception>
    public string? Text(string name) => Raw(name) is { } raw ? ExpandValue(name, raw) : null;

    /// <summary>Expands <c>$name</c> in a text with the values of this snapshot.</summary>
    public Expansion Expand(string text) => Expander.Expand(text, Raw);

    /// <summary>The parameters whose value is no good, and why; empty when every <see cref="Get"/> will succeed.</summary>
    public IReadOnlyList<(string Name, string Error)> Validate()
    {
        var errors = new List<(string, string)>();
        foreach (var parameter in Parameters.All)
        {
            if (parsed[parameter.Ordinal] is not null)
            {
                continue;
            }

            if (TryRead(parameter, parameter.Name, out var value) is { } error)
            {
                errors.Add((parameter.Name, error));
            }
            else
            {
                parsed[parameter.Ordinal] = value;
            }
        }

        foreach (var name in Names)
        {
            if (TransportParameters.Find(name) is { } template && !Parameters.ByName.ContainsKey(name) && TryRead(template, name, out _) is { } error)
            {
                errors.Add((name, error));
            }
        }

        return errors;
    }

    private object Read(Parameter parameter, string name) =>
        TryRead(parameter, name, out var value) is { } error ? throw new SettingsException(error) : value!;

    /// <summary>
    /// The value, or what is wrong with it. Where SQL has a part in it, it has to keep to <see cref="StoredParameterPolicy"/>; a value of the
    /// files that would not, for a <c>$name</c> that is set in SQL, is made without SQL.
    /// </summary>
    private string? TryRead(Parameter parameter, string name, out object? value)
    {
        if (stored.IsEmpty)
        {
            return TryRead(parameter, name, out value, out _);
        }

        if (StoredParameterPolicy.Refusal(parameter) is not null)
        {
            return Own.TryRead(parameter, name, out value, out _);
        }

        var error = TryRead(parameter, name, out value, out var text);
        if (IsStored(name))
        {
            error ??= FindSecret(Raw(name)!, 0) is { } secret ? $"{name} = {Raw(name)}: ${secret} may not be shown by a value in SQL"
                : StoredParameterPolicy.Check(parameter, text) is { } wrong ? $"{name} = {Raw(name)}: {wrong}"
                : null;
            return error;
        }

        if (error is not null || StoredParameterPolicy.Check(parameter, text) is not null)
        {
            var ownError = Own.TryRead(parameter, name, out var ownValue, out var ownText);
            if (ownError is not null || ownText != text)
            {
                value = ownValue;
                return ownError;
            }
        }

        return error;
    }

    /// <summary>The first name that a value of SQL refers to, directly or through others, although it may not.</summary>
    private string? FindSecret(string raw, int depth)
    {
        foreach (var name in UnusedParameters.References(raw))
        {
            // What is deeper than this was refused by the expansion.
            if (depth > 100 || (values.ContainsKey(name) && !StoredParameterPolicy.MayRefer(name)))
            {
                return name;
            }

            if (stored.Values.TryGetValue(name, out var next) && !values.ContainsKey(name) && FindSecret(next, depth + 1) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private string? TryRead(Parameter parameter, string name, out object? value, out string text)
    {
        value = null;
        var raw = Raw(name) ?? "";
        text = raw;
        if (parameter.Kind != ParameterKind.Raw)
        {
            var expansion = Expander.Expand(raw, Raw);
            if (expansion.Error is not null)
            {
                return $"{name} = {raw}: {expansion.Error.Split('\n')[^1]}";
            }

            text = expansion.Value;
        }

        value = ParameterReader.Read(parameter, name, text, out var error);
        return error;
    }

    private string ExpandValue(string name, string raw)
    {
        var expansion = Expander.Expand(raw, Raw);
        return expansion.Error is null ? expansion.Value : throw new SettingsException($"{name} = {raw}: {expansion.Error.Split('\n')[^1]}");
    }
}
