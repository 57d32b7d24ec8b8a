using System.Security.Cryptography;
using System.Text;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>Real messages, and the first 16 digits of the SHA-256 of what Postfix 3.7 put into its queue for them, from a local client and from a remote one.</summary>
public sealed class MailFilesAgainstPostfixTests
{
    [Theory]
    [InlineData("bounce.eml", "a9b672abc1ad0b6a", "a9b672abc1ad0b6a")]
    [InlineData("delivery-status.eml", "68d4e88a5d029afe", "68d4e88a5d029afe")]
    [InlineData("delivery-status2.eml", "f5f6c91d5d3b4aa0", "a5f9eb36fde3a823")]
    [InlineData("disposition-notification.eml", "482756cfdc0de21c", "482756cfdc0de21c")]
    [InlineData("empty-multipart.eml", "075b14b04c98f9b9", "075b14b04c98f9b9")]
    [InlineData("epilogue.eml", "34f7c18db581bbc1", "34f7c18db581bbc1")]
    [InlineData("feedback-report.eml", "21dc39419ee19ff6", "14b7e398d1c03d92")]
    [InlineData("gmail.eml", "bac1105515c3d96a", "bac1105515c3d96a")]
    [InlineData("issue358.eml", "ebd62b5bd8871efd", "ebd62b5bd8871efd")]
    [InlineData("japanese.eml", "4cf69e9eb15322bc", "4cf69e9eb15322bc")]
    [InlineData("mbox-00.eml", "e7f12f7e13ca7738", "e7f12f7e13ca7738")]
    [InlineData("mbox-01.eml", "5cd2fd2b6a82cf36", "5cd2fd2b6a82cf36")]
    [InlineData("mbox-02.eml", "678a7bc765e7515d", "678a7bc765e7515d")]
    [InlineData("mbox-03.eml", "99b64df4c18348f4", "99b64df4c18348f4")]
    [InlineData("mbox-04.eml", "32395ce0c54334fc", "32395ce0c54334fc")]
    [InlineData("mbox-05.eml", "db6920037dc9b040", "db6920037dc9b040")]
    [InlineData("mbox-06.eml", "085ef36b4ecea962", "af7c8a476d53cc63")]
    [InlineData("mbox-07.eml", "11ac613fc16c306a", "11ac613fc16c306a")]
    [InlineData("mbox-08.eml", "de53382bfb8beb4a", "de53382bfb8beb4a")]
    [InlineData("mbox-09.eml", "6160f7f024eeb9dc", "6160f7f024eeb9dc")]
    [InlineData("mbox-10.eml", "a94d6c9dc0512b96", "a94d6c9dc0512b96")]
    [InlineData("mbox-11.eml", "29df9ea6072e82e7", "29df9ea6072e82e7")]
    [InlineData("mbox-12.eml", "715e14c2e53ea1ab", "715e14c2e53ea1ab")]
    [InlineData("mbox-13.eml", "8b6c85fad844d6fd", "8b6c85fad844d6fd")]
    [InlineData("mbox-14.eml", "e007c72f52997caa", "e007c72f52997caa")]
    [InlineData("mbox-15.eml", "11edc12ee167243b", "11edc12ee167243b")]
    [InlineData("mbox-16.eml", "83a5532df82d11ea", "83a5532df82d11ea")]
    [InlineData("mbox-17.eml", "0cb3bd00f8386c7e", "0cb3bd00f8386c7e")]
    [InlineData("mbox-18.eml", "cced0c805ec9560a", "cced0c805ec9560a")]
    [InlineData("mbox-19.eml", "0d6926e62ea8e920", "0d6926e62ea8e920")]
    [InlineData("mbox-20.eml", "199e8fef7720c3b0", "199e8fef7720c3b0")]
    [InlineData("mbox-21.eml", "c09095ca513d6c40", "c09095ca513d6c40")]
    [InlineData("mbox-22.eml", "6c02f5adddab144f", "6c02f5adddab144f")]
    [InlineData("mbox-23.eml", "8fa979d77d2b2f26", "8fa979d77d2b2f26")]
    [InlineData("mbox-24.eml", "174d9b5031b988d6", "174d9b5031b988d6")]
    [InlineData("mbox-25.eml", "5ab01809ba154991", "5ab01809ba154991")]
    [InlineData("mbox-26.eml", "a6d15cc7e6c35d71", "a6d15cc7e6c35d71")]
    [InlineData("mbox-27.eml", "c99bfed49fc67ea9", "c99bfed49fc67ea9")]
    [InlineData("mbox-28.eml", "e036993213f28f6e", "e036993213f28f6e")]
    [InlineData("multipart-digest.eml", "a89e3be9bc0fc9e8", "f2fbde30080f9e26")]
    [InlineData("multipart-no-end-boundary.eml", "885915b5887fb091", "885915b5887fb091")]
    [InlineData("multipart-related-mhtml.eml", "cbb1f4a964fa387b", "ced8360b4c4d5372")]
    [InlineData("related.eml", "39249c170eb153c9", "39249c170eb153c9")]
    [InlineData("rfc2060.eml", "9a0f8fdaa69558ad", "290896f347c16b15")]
    [InlineData("rfc8463-example.eml", "58338a3adf9699e5", "58338a3adf9699e5")]
    [InlineData("rich-text.eml", "3526dfb3e4a712ec", "3526dfb3e4a712ec")]
    [InlineData("simple-embedded-message.eml", "56c1b8e6d434e832", "56c1b8e6d434e832")]
    [InlineData("stack-overflow.eml", "390d905b8f01f28a", "0eca593bb033232b")]
    [InlineData("startrek.eml", "8394a03b7e3d3ebf", "367b499d5b865e86")]
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
