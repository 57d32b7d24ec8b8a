namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Messages that have all headers that cleanup would add, so that they must arrive as they are.</summary>
internal static class TestMail
{
    /// <param name="body">With LF line ends, the last line ended too.</param>
    public static string Make(string subject, string body) =>
        $"From: sender@client.test\nTo: someone@elsewhere.test\nSubject: {subject}\nDate: Wed, 25 Nov 2026 01:14:06 +0000\nMessage-Id: <{subject}@client.test>\n\n{body}";
}
