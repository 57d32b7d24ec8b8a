namespace Mta.Core.Commands;

/// <summary>Exit codes of sysexits.h, which callers of sendmail(1) and the pipe to commands rely on.</summary>
public static class ExitCode
{
    public const int Ok = 0;

    /// <summary>What Postfix's commands end with after <c>fatal:</c> when no other code fits.</summary>
    public const int Failure = 1;

    /// <summary>The command was used wrongly.</summary>
    public const int Usage = 64;

    /// <summary>The input is bad.</summary>
    public const int DataError = 65;

    public const int NoInput = 66;

    public const int NoUser = 67;

    /// <summary>A service is not there.</summary>
    public const int Unavailable = 69;

    /// <summary>Our bug.</summary>
    public const int Software = 70;

    public const int OsError = 71;

    public const int CannotCreate = 73;

    public const int IoError = 74;

    /// <summary>Trying again later may help.</summary>
    public const int TemporaryFailure = 75;

    public const int NoPermission = 77;

    public const int Configuration = 78;
}
