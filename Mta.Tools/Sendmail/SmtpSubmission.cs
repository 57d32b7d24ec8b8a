using Mta.Core.Commands;

namespace Mta.Tools.Sendmail;

/// <summary>sendmail -bs: an SMTP session on standard input and output, for programs that speak it (mail readers, rsmtp).</summary>
internal static class SmtpSubmission
{
    public static Task<int> RunAsync(Terminal terminal, SendmailOptions options, CancellationToken cancellationToken) =>
        Task.FromResult(terminal.Fatal("-bs: SMTP on standard input is not available in this version", ExitCode.Unavailable));
}
