using System.Text;
using Mta.Core.Bounce;

namespace Mta.Services.Configuration;

/// <summary>Reads a file of bounce(5) templates, whose characters are bytes.</summary>
public static class BounceTemplateFile
{
    /// <param name="path">Empty for the program's own templates.</param>
    /// <param name="warn">Takes what is wrong with single templates, which are left out.</param>
    /// <returns>Null, with the reason, when the file cannot be read or makes no sense.</returns>
    public static BounceTemplates? Read(string path, Action<string> warn, out string? error)
    {
        error = null;
        if (path.Length == 0)
        {
            return BounceTemplates.BuiltIn;
        }

        try
        {
            return BounceTemplates.Parse(path, Encoding.Latin1.GetString(File.ReadAllBytes(path)), warn, out error);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"open {path}: {OpenFailure.Reason(path, e)}";
            return null;
        }
    }
}
