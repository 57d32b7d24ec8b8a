namespace Mta.Core.Smtp;

/// <summary>The extensions that the server offers in a session: what it does not announce it does not accept either.</summary>
[Flags]
public enum EsmtpOptions
{
    None = 0,
    Pipelining = 1,
    Size = 2,
    Vrfy = 4,
    Etrn = 8,
    StartTls = 16,
    Auth = 32,
    Verp = 64,
    Xclient = 128,
    Xforward = 256,
    EnhancedStatusCodes = 512,
    EightBitMime = 1024,
    Dsn = 2048,
    SmtpUtf8 = 4096,
    Chunking = 8192,
    RequireTls = 16384,
    All = 32767,
}
