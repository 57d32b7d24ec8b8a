namespace Mta.Tools.Postmap;

/// <summary>One line on a terminal that says how far a command is; nothing where standard error is no terminal.</summary>
internal sealed class ProgressLine(Terminal terminal) : IDisposable
{
    private readonly bool isShown = terminal.ShowsProgress;
    private int width;

    public void Show(string text)
    {
        if (isShown)
        {
            terminal.Error.Write("\r" + text.PadRight(width));
            width = text.Length;
        }
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        if (width > 0)
        {
            terminal.Error.Write("\r" + new string(' ', width) + "\r");
        }
    }
}
