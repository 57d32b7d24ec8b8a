using Mta.Storage.Maildrop;

namespace Mta.Services.Clients;

/// <summary>An opened file of the spool directory. The user is the one who owns the file, whatever it says.</summary>
internal sealed class SpoolFile(Guid name, Submission submission, Stream content) : IDisposable
{
    public Guid Name { get; } = name;

    public Submission Submission { get; } = submission;

    /// <summary>Stands at the first byte of the message.</summary>
    public Stream Content { get; } = content;

    public void Dispose() => Content.Dispose();
}
