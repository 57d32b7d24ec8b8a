namespace Mta.Services.Cleanup.Checks;

/// <summary>Takes a message piece by piece when it has been looked at.</summary>
internal interface IContentOutput
{
    /// <summary>A field of the message's own header, without its line end.</summary>
    void Header(ReadOnlySpan<byte> field);

    /// <summary>The message's own header is over.</summary>
    void EndHeader();

    /// <summary>Anything else, as it is to be stored.</summary>
    void Write(ReadOnlySpan<byte> content);
}
