using System.Text;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Net;

namespace Mta.Daemon;

/// <summary>Tells whoever started master how the start went: lines of text for his standard error, and <c>ready</c> as the last one when it went well.</summary>
internal sealed class StartReport(SafeFileHandle? pipe) : IDisposable
{
    public const string ReadyLine = "ready";

    public void Line(string text)
    {
        if (pipe is null)
        {
            Console.Error.WriteLine(text);
        }
        else
        {
            Libc.WriteAll(pipe, Encoding.UTF8.GetBytes(text + "\n"));
        }
    }

    public void Ready()
    {
        if (pipe is not null)
        {
            Libc.WriteAll(pipe, Encoding.UTF8.GetBytes(ReadyLine + "\n"));
        }

        Dispose();
    }

    public void Dispose() => pipe?.Dispose();
}
