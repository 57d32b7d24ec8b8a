using System.Security.Cryptography;
using System.Text;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>Real messages come out of cleanup as out of Postfix 3.7; see tests/mail/from-postfix.txt.</summary>
public sealed class MailFilesAgainstPostfixTests
{
    public static TheoryData<string, string, string> Expected()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var line in File.ReadLines(MailFiles.PathOf("from-postfix.txt")).Where(l => !l.StartsWith('#')))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            data.Add(columns[0], columns[1], columns[2]);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Expected))]
    public async Task Comes_out_as_from_Postfix(string file, string fromLocalClient, string fromRemoteClient)
    {
        var content = AsFromSmtpd(await File.ReadAllBytesAsync(MailFiles.PathOf(file), TestContext.Current.CancellationToken));
        Digest(await new CleanupTestBed("message_size_limit = 0").PassAsync(content, local: true, cut: 4096)).ShouldBe(fromLocalClient);
        Digest(await new CleanupTestBed("message_size_limit = 0").PassAsync(content, local: false, cut: 1000)).ShouldBe(fromRemoteClient);
    }

    private static string Digest(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(content)))[..16];

    /// <summary>Line ends, and the first line of a mailbox file, as smtpd(8) hands them on.</summary>
    private static string AsFromSmtpd(byte[] file)
    {
        var content = Encoding.Latin1.GetString(file).Replace("\r\n", "\n", StringComparison.Ordinal);
        var prefix = content.TrimStart('>').StartsWith("From ", StringComparison.Ordinal) ? "X-Mailbox-Line: "
            : content is [' ' or '\t', ..] ? "\n"
            : "";
        return prefix + content + (content.EndsWith('\n') ? "" : "\n");
    }
}
