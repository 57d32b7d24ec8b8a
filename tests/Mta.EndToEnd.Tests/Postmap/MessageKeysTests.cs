using System.Text;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Postmap;

/// <summary>postmap -h, -b and -m make keys of a message as Debian's does.</summary>
public sealed class MessageKeysTests(MessageKeysTests.Shared shared) : IClassFixture<MessageKeysTests.Shared>
{
    private static readonly string[] Messages =
        ["bounce", "delivery-status", "empty-multipart", "epilogue", "multipart-digest", "multipart-no-end-boundary", "simple-embedded-message", "rich-text", "japanese", "related"];

    [Theory]
    [InlineData("-h")]
    [InlineData("-b")]
    [InlineData("-hb")]
    [InlineData("-hm")]
    [InlineData("-bm")]
    [InlineData("-hbm")]
    public async Task Keys_of_messages_are_Debians(string options)
    {
        foreach (var message in Messages)
        {
            var text = (await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "mail", message + ".eml"), Encoding.Latin1, TestContext.Current.CancellationToken))
                .Replace("\r\n", "\n", StringComparison.Ordinal);

            // What is not ASCII comes out of the two in different encodings of this test.
            text = string.Concat(text.Select(c => c > 127 ? '?' : c));
            string[] arguments = [options, "-q", "-", "regexp:{{/^./ found}}"];
            var ours = await new OurPostmap(shared.Database).RunAsync("postmap", Encoding.ASCII.GetBytes(text), arguments, TestContext.Current.CancellationToken);
            var theirs = await PostfixCommand.RunWithInputAsync("postmap", text, ["-c", shared.Directory, .. arguments]);
            ours.Output.ShouldBe(theirs.Output, message);
            ours.Exit.ShouldBe(theirs.Exit, message);
        }
    }

    public sealed class Shared : IAsyncLifetime
    {
        internal string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("mta-keys-").FullName;

        internal TestDatabase Database { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            await File.WriteAllTextAsync(Path.Combine(Directory, "main.cf"), "compatibility_level = 3.6\n");
        }

        public async ValueTask DisposeAsync()
        {
            System.IO.Directory.Delete(Directory, recursive: true);
            await Database.DisposeAsync();
        }
    }
}
