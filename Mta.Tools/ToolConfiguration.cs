using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Reads main.cf for commands that need some of its values.</summary>
internal static class ToolConfiguration
{
    /// <summary>The settings of the directory of <c>-c</c>, MAIL_CONFIG or the default; null, with the reason said, when main.cf cannot be read.</summary>
    public static async Task<Settings?> LoadAsync(Terminal terminal, string? directory, CancellationToken cancellationToken)
    {
        var problems = new List<ConfigProblem>();
        var settings = await ConfigurationDirectory.LoadMainAsync(ConfigurationDirectory.Find(directory), terminal.Name, problems, cancellationToken).ConfigureAwait(false);
        foreach (var problem in problems)
        {
            if (problem.IsError)
            {
                terminal.Fatal(problem.ToString());
                return null;
            }

            terminal.Warning(problem.ToString());
        }

        return settings;
    }
}
