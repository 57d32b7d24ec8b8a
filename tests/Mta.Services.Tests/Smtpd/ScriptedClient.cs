using System.Text;
using Mta.Services.Smtpd;

namespace Mta.Services.Tests.Smtpd;

/// <summary>A client whose bytes come in given pieces, one for each receive; it remembers what was sent after each.</summary>
internal sealed class ScriptedClient : ClientStream
{
    private readonly Queue<byte[]> pieces;
    private readonly List<StringBuilder> sent = [new()];

    public ScriptedClient(IEnumerable<byte[]> pieces) => this.pieces = new Queue<byte[]>(pieces);

    /// <summary>What the server sent: first before any piece, then after each one.</summary>
    public IReadOnlyList<string> Sent => [.. sent.Select(s => s.ToString())];

    public string AllSent => string.Concat(sent);

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!pieces.TryDequeue(out var piece))
        {
            return new(0);
        }

        if (piece.Length > buffer.Length)
        {
            var rest = new Queue<byte[]>(pieces);
            pieces.Clear();
            pieces.Enqueue(piece[buffer.Length..]);
            foreach (var later in rest)
            {
                pieces.Enqueue(later);
            }

            piece = piece[..buffer.Length];
        }

        piece.CopyTo(buffer);
        sent.Add(new StringBuilder());
        return new(piece.Length);
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        sent[^1].Append(Encoding.UTF8.GetString(bytes.Span));
        return new(true);
    }

    public override void Dispose()
    {
        // Nothing is held.
    }
}
