namespace Mta.Core.Mime;

/// <summary>How a message is looked into.</summary>
public sealed record MimeOptions
{
    /// <summary>header_size_limit, bytes: what a header has above it is dropped.</summary>
    public int HeaderSizeLimit { get; init; } = 102400;

    /// <summary>line_length_limit, bytes: a longer line comes in pieces.</summary>
    public int LineLengthLimit { get; init; } = 2048;

    /// <summary>mime_nesting_limit: multiparts within multiparts beyond it are body.</summary>
    public int NestingLimit { get; init; } = 100;

    /// <summary>mime_boundary_length_limit, bytes: what boundaries have above it is not compared.</summary>
    public int BoundaryLengthLimit { get; init; } = 2048;

    /// <summary>disable_mime_input_processing: there is one header, and all else is body.</summary>
    public bool IsDisabled { get; init; }

    /// <summary>The errors that are looked for.</summary>
    public MimeErrors Reported { get; init; }
}
