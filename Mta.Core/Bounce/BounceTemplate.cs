using System.Globalization;
using System.Text;
using Mta.Core.Config;

namespace Mta.Core.Bounce;

/// <summary>
/// The template of one kind of report, as bounce(5) has it: what its headers are, and its text with <c>$name</c> of main.cf in it. Text of
/// any charset is kept as its bytes, one character each.
/// </summary>
public sealed record BounceTemplate
{
    /// <summary>The place of the program's own templates, as messages name it.</summary>
    public const string NoFile = "[built-in]";

    /// <summary>A figure above this is better given in a larger unit.</summary>
    private const long LargeFigure = 1000;

    /// <summary><c>failure</c>, <c>delay</c>, <c>success</c> or <c>verify</c>.</summary>
    public required string Kind { get; init; }

    public required string Charset { get; init; }

    public required string From { get; init; }

    public required string Subject { get; init; }

    /// <summary>Of the copy for the postmaster; null for kinds that have none.</summary>
    public required string? PostmasterSubject { get; init; }

    /// <summary>The lines of the text.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>Where it comes from; <see cref="NoFile"/> when it is the program's.</summary>
    public required string File { get; init; }

    /// <summary>The template as a file has it.</summary>
    public string Write()
    {
        var text = new StringBuilder($"{Kind}_template = <<EOF\nCharset: {Charset}\nFrom: {From}\nSubject: {Subject}\n");
        if (PostmasterSubject is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"Postmaster-Subject: {PostmasterSubject}\n");
        }

        return text.Append('\n').Append(Lines(Text)).Append("EOF\n").ToString();
    }

    /// <summary>The text with the values of main.cf in it, as <c>postconf -b</c> shows it.</summary>
    public string WriteExpanded(string expanded) => $"expanded_{Kind}_text = <<EOF\n{expanded}EOF\n";

    /// <summary>
    /// The text with the values of main.cf in it, line by line; null, with the reason in <paramref name="error"/>, when that is not possible.
    /// <c>delay_warning_time</c> and <c>maximal_queue_lifetime</c> may have <c>_seconds</c>, <c>_minutes</c>, <c>_hours</c>, <c>_days</c> or
    /// <c>_weeks</c> after their names.
    /// </summary>
    /// <param name="toBytes">Makes of a value what stands for its bytes.</param>
    /// <param name="warn">Hears of figures that nobody wants to read.</param>
    public string? Expand(Settings settings, Func<string, string> toBytes, Action<string> warn, out string? error)
    {
        var lines = new List<string>(Text.Count);
        string? problem = null;
        foreach (var line in Text)
        {
            string? missing = null;
            var expansion = Expander.Expand(line, Value, recursive: false, name => missing ??= name);
            if (expansion.Error is not null)
            {
                warn(expansion.Error);
            }

            problem ??= expansion.Error is not null ? $"{File}: bad $name syntax in {Kind} template: {line}"
                : missing is not null ? $"{File}: undefined $name in {Kind} template: {line}"
                : null;
            if (problem is not null)
            {
                error = problem;
                return null;
            }

            lines.Add(expansion.Value);
        }

        error = null;
        return Lines(lines);

        string? Value(string name)
        {
            foreach (var time in (Parameter<TimeSpan>[])[Parameters.DelayWarningTime, Parameters.MaximalQueueLifetime])
            {
                if (name.StartsWith(time.Name + "_", StringComparison.Ordinal))
                {
                    return Figure(settings.Get(time), name, time.Name);
                }
            }

            var value = settings.Text(name);
            if (value is not null && name is "myhostname" or "mydomain" && settings.Get(Parameters.Smtputf8Enable))
            {
                value = Expander.Expand("${domain_to_utf8{$name}}", _ => value, recursive: false).Value;
            }

            return value is null ? null : toBytes(value);
        }

        string Figure(TimeSpan time, string name, string parameter)
        {
            var unit = name[(parameter.Length + 1)..];
            var divisor = unit switch { "seconds" => 1L, "minutes" => 60, "hours" => 3600, "days" => 86400, "weeks" => 604800, _ => 0 };
            if (divisor == 0)
            {
                problem = $"{File}: unrecognized suffix \"{unit}\" in parameter \"{name}\"";
                return "";
            }

            var figure = (long)time.TotalSeconds / divisor;
            if (figure == 0 && time > TimeSpan.Zero)
            {
                Advise($"{File}: zero result in {Kind} template conversion of parameter \"{name}\"", "reduce");
            }
            else if (figure > LargeFigure)
            {
                Advise($"{File}: excessive result \"{figure}\" in {Kind} template conversion of parameter \"{name}\"", "increase");
            }

            return figure.ToString(CultureInfo.InvariantCulture);

            void Advise(string what, string change)
            {
                warn(what);
                warn($"please {change} time unit \"{unit}\" of \"{name}\" in {Kind} template");
                warn("for instructions see the bounce(5) manual");
            }
        }
    }

    private static string Lines(IEnumerable<string> lines) => string.Concat(lines.Select(l => l + "\n"));
}
