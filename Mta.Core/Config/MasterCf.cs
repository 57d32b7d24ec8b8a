using System.Globalization;

namespace Mta.Core.Config;

/// <summary>One entry of master.cf as written: the eight fields, the last of them the command with its arguments.</summary>
public sealed record MasterCfEntry(IReadOnlyList<string> Fields, int FirstLine, int LastLine);

/// <summary>The text of a master.cf, parsed: its services in order and what is wrong with them.</summary>
public sealed class MasterCf
{
    private static readonly string[] FieldNames = ["name", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"];

    private MasterCf(
        string file,
        IReadOnlyList<MasterCfEntry> entries,
        IReadOnlyList<MasterService> services,
        IReadOnlyList<ConfigProblem> problems)
    {
        File = file;
        Entries = entries;
        Services = services;
        Problems = problems;
    }

    public string File { get; }

    public IReadOnlyList<MasterCfEntry> Entries { get; }

    /// <summary>The services; of two entries with the same name and type the last counts.</summary>
    public IReadOnlyList<MasterService> Services { get; }

    public IReadOnlyList<ConfigProblem> Problems { get; }

    /// <summary>Never throws: what cannot be read becomes a problem.</summary>
    /// <param name="ports">Service names and their ports, as <see cref="InetEndpoint.KnownPorts"/> gives them.</param>
    public static MasterCf Parse(string file, string text, IReadOnlyDictionary<string, int> ports) => Parse(file, text, new EntryReader(ports));

    /// <summary>
    /// For a look at the file, as postconf(1) takes it: fields have to be well-formed, but ports need not exist, options need not make
    /// sense, and all entries stay. The words of problems are that command's.
    /// </summary>
    public static MasterCf ParseLeniently(string file, string text) => Parse(file, text, new EntryReader(null));

    private static MasterCf Parse(string file, string text, EntryReader reader)
    {
        var entries = new List<MasterCfEntry>();
        var services = new List<MasterService>();
        var problems = new List<ConfigProblem>();
        foreach (var line in LogicalLines.Read(text))
        {
            if (line.Text is [var first, ..] && Space.Is(first))
            {
                problems.Add(MainCf.NoContinuation(file, line));
                continue;
            }

            var elements = SplitFields(line.Text);
            if (elements.Count < FieldNames.Length)
            {
                problems.Add(reader.IsLenient
                    ? ConfigProblem.Error("", 0, $"file {file}: line {line.LastLine}: bad field count")
                    : ConfigProblem.Error(file, line.FirstLine, $"bad field count: \"{line.Text}\" (write {string.Join(' ', FieldNames)} args...)"));
                continue;
            }

            elements = MasterOptions.Normalize(elements, FieldNames.Length, p => problems.Add(reader.IsLenient ? ConfigProblem.Warning("master.cf", 0, p) : ConfigProblem.Warning(file, line.FirstLine, p)));
            entries.Add(new MasterCfEntry(elements, line.FirstLine, line.LastLine));
            if (reader.Read(elements, line.FirstLine, out var error) is not { } service)
            {
                problems.Add(reader.IsLenient ? ConfigProblem.Error("", 0, error!) : ConfigProblem.Error(file, line.FirstLine, error!));
                continue;
            }

            var earlier = reader.IsLenient ? -1 : services.FindIndex(s => s.Name == service.Name && s.Type == service.Type);
            if (earlier >= 0)
            {
                var duplicate = $"duplicate entry for {service.Name}/{elements[1]}: the one of line {services[earlier].Line} is not used";
                problems.Add(ConfigProblem.Warning(file, line.FirstLine, duplicate));
                services.RemoveAt(earlier);
            }

            services.Add(service);
        }

        return new MasterCf(file, entries, services, problems);
    }

    /// <summary>The elements, of which those from the ninth on are the command's arguments; white space in braces does not separate.</summary>
    public static List<string> SplitFields(string line)
    {
        var elements = new List<string>();
        for (var at = 0; at < line.Length;)
        {
            if (Space.Is(line[at]))
            {
                at++;
                continue;
            }

            var start = at;
            for (var depth = 0; at < line.Length && (depth > 0 || !Space.Is(line[at])); at++)
            {
                depth = line[at] switch { '{' => depth + 1, '}' when depth > 0 => depth - 1, _ => depth };
            }

            elements.Add(line[start..at]);
        }

        return elements;
    }

    /// <summary>Reads the fields of one entry.</summary>
    /// <param name="ports">Null to read leniently.</param>
    private sealed class EntryReader(IReadOnlyDictionary<string, int>? ports)
    {
        public bool IsLenient => ports is null;

        public MasterService? Read(List<string> fields, int line, out string? error)
        {
            error = null;
            if (ParseType(fields[1]) is not { } type)
            {
                return Fail(out error, fields, 1, "inet, unix, unix-dgram, fifo or pass");
            }

            if (ParseFlag(fields[2], whenUnset: IsLenient || type != ServiceType.Inet) is not { } isPrivate
                    || (isPrivate && type == ServiceType.Inet && !IsLenient))
            {
                return Fail(out error, fields, 2, type == ServiceType.Inet ? "n, an inet service is public" : "y, n or -");
            }

            if (ParseFlag(fields[3], whenUnset: true) is not { } isUnprivileged)
            {
                return Fail(out error, fields, 3, "y, n or -");
            }

            if (ParseFlag(fields[4], whenUnset: false) is not { } isChrooted)
            {
                return Fail(out error, fields, 4, "y, n or -");
            }

            var onlyWhenUsed = fields[5].EndsWith('?');
            if (ParseCount(onlyWhenUsed ? fields[5][..^1] : fields[5]) is not { } wakeup)
            {
                return Fail(out error, fields, 5, "seconds, seconds with ? after them, or -");
            }

            if (ParseCount(fields[6]) is not { } limit)
            {
                return Fail(out error, fields, 6, "a number or -");
            }

            InetEndpoint? endpoint = null;
            if (type == ServiceType.Inet && ports is not null && (endpoint = InetEndpoint.Parse(fields[0], ports, out error)) is null)
            {
                return null;
            }

            var overrides = new List<KeyValuePair<string, string>>();
            var arguments = ParseOptions(fields, overrides, out var verbosity, out error);
            return arguments is null ? null : new MasterService
            {
                Name = fields[0],
                Type = type,
                IsPrivate = isPrivate,
                IsUnprivileged = isUnprivileged,
                IsChrooted = isChrooted,
                WakeupSeconds = Math.Max(wakeup, 0),
                WakesOnlyWhenUsed = onlyWhenUsed,
                ProcessLimit = limit < 0 ? null : limit,
                Command = fields[7],
                Overrides = overrides,
                Verbosity = verbosity,
                Arguments = arguments,
                Endpoint = endpoint,
                Line = line,
            };
        }

        /// <summary>Reads the options up to the first argument that is none; the rest is returned, null when an option is no good.</summary>
        private List<string>? ParseOptions(
            List<string> fields,
            List<KeyValuePair<string, string>> overrides,
            out int verbosity,
            out string? error)
        {
            verbosity = 0;
            error = null;
            var at = FieldNames.Length;
            for (; at < fields.Count && fields[at] is ['-', _, ..] and not "--"; at++)
            {
                if (fields[at] != "-o")
                {
                    verbosity += fields[at].Count(c => c == 'v');
                    continue;
                }

                var text = ++at < fields.Count ? fields[at] : "";
                if (MainCf.TrySplit(ValueList.Unbrace(text), out var name, out var value, out error))
                {
                    overrides.Add(KeyValuePair.Create(name, value));
                }
                else if (!IsLenient)
                {
                    error = $"bad -o option of {fields[0]}/{fields[1]}: {error}: \"{text}\" (write -o name=value or -o {{ name = value }})";
                    return null;
                }
            }

            return fields.GetRange(at, fields.Count - at).ConvertAll(ValueList.Unbrace);
        }

        private static ServiceType? ParseType(string text) => text switch
        {
            "inet" => ServiceType.Inet,
            "unix" => ServiceType.Unix,
            "unix-dgram" => ServiceType.UnixDgram,
            "fifo" => ServiceType.Fifo,
            "pass" => ServiceType.Pass,
            _ => null,
        };

        private static bool? ParseFlag(string text, bool whenUnset) => text switch { "y" => true, "n" => false, "-" => whenUnset, _ => null };

        /// <summary>-1 for <c>-</c>, null when it is no number.</summary>
        private static int? ParseCount(string text) =>
            text == "-" ? -1 : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;

        private MasterService? Fail(out string? error, List<string> fields, int index, string remedy)
        {
            error = $"invalid {FieldNames[index]} field \"{fields[index]}\" in \"{string.Join(' ', fields)}\"{(IsLenient ? "" : $" (write {remedy})")}";
            return null;
        }
    }
}
