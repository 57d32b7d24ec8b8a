using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Mta.Tools;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Configuration;

/// <summary>A configuration directory for two judges: our postconf and Postfix's.</summary>
internal sealed class PostconfPair : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-postconf");

    public string Path => directory.FullName;

    public void Dispose() => directory.Delete(recursive: true);

    /// <summary>Writes a file; its characters are bytes.</summary>
    public void Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(text));
        // Postfix waits until a file is older than a second before it trusts what it read.
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddDays(20_000));
    }

    public string Read(string name) => Encoding.Latin1.GetString(File.ReadAllBytes(System.IO.Path.Combine(Path, name)));

    /// <summary>
    /// Tries many cases side by side, each in a directory of its own: Postfix's programs sleep for a second before they end with a fatal error.
    /// </summary>
    /// <param name="prepare">Writes the files that all cases begin with.</param>
    public static async Task ForAllAsync<T>(IEnumerable<T> cases, Func<PostconfPair, T, Task> tryAsync, Action<PostconfPair>? prepare = null)
    {
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 24 }, async (one, _) =>
        {
            using var pair = new PostconfPair();
            prepare?.Invoke(pair);
            try
            {
                await tryAsync(pair, one);
            }
            catch (ShouldAssertException e)
            {
                failures.Enqueue($"{(one is string[] words ? string.Join(' ', words) : one)}: {e.Message}".Replace(pair.Path, "DIR", StringComparison.Ordinal));
            }
        });
        failures.ShouldBeEmpty();
    }

    /// <summary>Both programs say the same.</summary>
    public async Task SameAsync(string[] arguments, Func<PostconfResult, PostconfResult>? adjust = null)
    {
        string[] words = ["-c", Path, .. arguments];
        var theirs = await PostfixAsync(words);
        var ours = await OursAsync(words);
        if (adjust is not null)
        {
            (ours, theirs) = (adjust(ours), adjust(theirs));
        }

        ours.ShouldBe(theirs, $"postconf {string.Join(' ', arguments)}");
    }

    /// <summary>The same for several command lines, whose words have single spaces between them, side by side.</summary>
    public Task AllSameAsync(params IEnumerable<string> lines) => Task.WhenAll(lines.Select(line => SameAsync(line.Split(' '))));

    /// <summary>Both programs say the same and leave the same files; the files are as before when it ends.</summary>
    public async Task SameEditAsync(string[] arguments, bool anyOrder = false)
    {
        var (main, master) = (Read("main.cf"), Read("master.cf"));
        string[] words = ["-c", Path, .. arguments];
        var ours = await OursAsync(words);
        var edited = (Ordered(Read("main.cf")), Read("master.cf"));
        Restore();
        var theirs = await PostfixAsync(words);
        var expected = (Ordered(Read("main.cf")), Read("master.cf"));
        Restore();
        ours.ShouldBe(theirs, $"postconf {string.Join(' ', arguments)}");
        edited.ShouldBe(expected, $"postconf {string.Join(' ', arguments)}");

        // Postfix adds new names in the order of a hash table.
        string Ordered(string text) => anyOrder ? Sorted(text) : text;

        void Restore()
        {
            Write("main.cf", main);
            Write("master.cf", master);
        }
    }

    public static async Task<PostconfResult> OursAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        int exitCode;
        using (var terminal = new Terminal("postconf", Stream.Null, output, error))
        {
            exitCode = await Postconf.RunAsync(terminal, arguments, TestContext.Current.CancellationToken);
        }

        // What is not honoured, Postfix cannot say.
        var said = error.ToString().Split('\n').Where(l => !l.Contains(" is not honoured: ", StringComparison.Ordinal));
        return new PostconfResult(exitCode, Encoding.Latin1.GetString(output.ToArray()), Sorted(string.Join('\n', said)));
    }

    public static async Task<PostconfResult> PostfixAsync(params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/postconf"), "Postfix is not installed: apt-get install postfix");
        var start = new ProcessStartInfo("postconf", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new PostconfResult(process.ExitCode, output, Sorted(await error));
    }

    /// <summary>Postfix gives some warnings more than once, and some in the order of a hash table.</summary>
    private static string Sorted(string text) => string.Join('\n', text.Split('\n').Select(WithoutUsage).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Our usage names more options.</summary>
    private static string WithoutUsage(string line) => line.StartsWith("postconf: fatal: usage: ", StringComparison.Ordinal) ? "postconf: fatal: usage" : line;
}

/// <summary>What a postconf printed and how it ended.</summary>
internal sealed record PostconfResult(int ExitCode, string Output, string Error);
