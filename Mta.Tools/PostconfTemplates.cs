using System.Text;
using Mta.Core.Bounce;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Shows the templates of reports (<c>-t</c>), or their texts with the values of main.cf in them (<c>-b</c>), as bounce(5) has them.</summary>
internal static class PostconfTemplates
{
    public static async Task<int> ShowAsync(Terminal terminal, PostconfOptions options, CancellationToken cancellationToken)
    {
        if (options.Operands.Count > 1)
        {
            return terminal.Fatal("options -b and -t require at most one template file");
        }

        if (await ToolConfiguration.LoadAsync(terminal, options.ConfigDirectory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return ExitCode.Failure;
        }

        try
        {
            // An empty name stands for the program's own templates.
            var file = options.Operands is [var operand] ? operand : settings.Get(Parameters.BounceTemplateFile);
            if (BounceTemplateFile.Read(file, Warn, out var problem) is not { } templates)
            {
                return Fatal(problem!);
            }

            var shown = new List<string>();
            foreach (var template in templates.All)
            {
                if (options.Has('t'))
                {
                    shown.Add(template.Write());
                }
                else if (template.Expand(settings, PostconfFile.AsBytes, Warn, out var error) is { } expanded)
                {
                    shown.Add(template.WriteExpanded(expanded));
                }
                else
                {
                    return Fatal(error!);
                }
            }

            terminal.Output.Write(Encoding.Latin1.GetBytes(string.Join('\n', shown)));
            return ExitCode.Ok;
        }
        catch (SettingsException e)
        {
            return Fatal(e.Message);
        }

        // As in Postfix, it is bounce(8) that speaks.
        void Warn(string text) => terminal.Error.WriteLine($"postfix/bounce: warning: {PostconfChecks.Printable(text)}");

        int Fatal(string text)
        {
            terminal.Error.WriteLine($"postfix/bounce: fatal: {PostconfChecks.Printable(text)}");
            return ExitCode.Failure;
        }
    }
}
