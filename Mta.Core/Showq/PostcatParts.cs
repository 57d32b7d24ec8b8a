namespace Mta.Core.Showq;

/// <summary>What postcat(1) shows of a message.</summary>
[Flags]
public enum PostcatParts
{
    None = 0,
    Envelope = 1,
    Header = 2,
    Body = 4,
    All = Envelope | Header | Body,
}
