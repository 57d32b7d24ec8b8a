using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>Plays the scripts of the Transcripts folder: whole, byte by byte, and broken off after every byte.</summary>
public sealed class TranscriptTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        foreach (var file in Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal))
        {
            names.Add(Path.GetFileNameWithoutExtension(file));
        }

        return names;
    }

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Smtpd", "Transcripts");

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Replies_and_log_are_as_written(string name)
    {
        var script = Load(name);
        using var server = new SmtpdFixture(script.MainCf, dns: script.Dns);
        var client = await server.RunAsync(script.Steps.Skip(1).Select(s => s.Sent.ToArray()), script.Client, cancellationToken: Token);
        var sent = client.Sent;
        for (var i = 0; i < script.Steps.Count; i++)
        {
            var replies = i < sent.Count ? Lines(sent[i]) : [];
            ShouldMatch(replies, script.Steps[i].Replies, $"{name}, step {i}");
        }

        sent.Count.ShouldBeLessThanOrEqualTo(script.Steps.Count);
        if (script.Log.Count > 0)
        {
            ShouldMatch(server.Log, script.Log, $"{name}, log");
        }

        server.Cleanup.Open.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Byte_by_byte_the_replies_are_the_same(string name)
    {
        var script = Load(name);
        if (!script.MayBeCutAnywhere)
        {
            return;
        }

        using var server = new SmtpdFixture(script.MainCf, dns: script.Dns);
        var client = await server.RunAsync(script.AllSent.Select(b => new[] { b }), script.Client, cancellationToken: Token);
        ShouldMatch(Lines(client.AllSent), [.. script.Steps.SelectMany(s => s.Replies)], name);
        if (script.Log.Count > 0)
        {
            ShouldMatch(server.Log, script.Log, $"{name}, log");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Broken_off_anywhere_the_session_ends_and_leaves_nothing_open(string name)
    {
        var script = Load(name);
        var all = script.AllSent;
        using var server = new SmtpdFixture(script.MainCf, dns: script.Dns);
        for (var length = 0; length < all.Length; length++)
        {
            await server.RunAsync([all[..length]], script.Client, cancellationToken: Token);
        }

        server.Cleanup.Open.ShouldBe(0);
        server.Log.Count(l => l.StartsWith("disconnect from ", StringComparison.Ordinal)).ShouldBe(all.Length);
        server.Log.ShouldNotContain(l => l.StartsWith("panic", StringComparison.Ordinal));
    }

    private static Transcript Load(string name) => Transcript.Parse(name, File.ReadAllText(Path.Combine(Folder, name + ".txt")));

    private static string[] Lines(string text) =>
        text.Length == 0 ? [] : text[..^2].Split("\r\n");

    private static void ShouldMatch(IReadOnlyList<string> lines, IReadOnlyList<string> patterns, string where)
    {
        for (var i = 0; i < Math.Max(lines.Count, patterns.Count); i++)
        {
            var line = i < lines.Count ? lines[i] : "(nothing)";
            var pattern = i < patterns.Count ? patterns[i] : "(nothing)";
            Transcript.Matches(pattern, line).ShouldBeTrue($"{where}\nexpected: {pattern}\n     got: {line}");
        }
    }
}
