using Mta.Core.Commands;
using Mta.Core.Config;

namespace Mta.Tools;

/// <summary>
/// postconf(1): shows and edits main.cf and master.cf.
///
/// Without options, or with names, it shows <c>name = value</c> as main.cf has it or by default: <c>-n</c> only what is set, <c>-d</c> only
/// defaults, <c>-h</c> without names, <c>-H</c> without values, <c>-x</c> with <c>$name</c> expanded, <c>-f</c> folded, <c>-C class</c> only
/// builtin, service or user-defined names, <c>-o name=value</c> as if main.cf said so. <c>-e name=value</c>, <c>-X name</c> and
/// <c>-# name</c> change main.cf in place and leave all else in it alone. <c>-M</c>, <c>-F</c> and <c>-P</c> show services of master.cf,
/// their fields and their <c>-o</c> settings, and with <c>-e</c>, <c>-X</c> and <c>-#</c> edit them; <c>-m</c> shows the types of lookup
/// tables and <c>-l</c> those of mailbox locks; <c>-t</c> shows the templates of reports and <c>-b</c> their texts.
///
/// Fatal, with exit code 1: wrong options, files that cannot be read or parsed, a value that cannot be expanded. Warned of: names that are
/// not known, and settings that nothing reads or that are not honoured. Not there: SASL types.
/// </summary>
internal static class Postconf
{
    /// <summary>The types of lookup tables, as in <c>type:name</c>.</summary>
    internal static readonly string[] MapTypes =
        ["btree", "cdb", "cidr", "dbm", "debug", "environ", "fail", "hash", "inline", "ldap", "lmdb", "memcache", "pcre", "pgsql", "pipemap", "proxy", "randmap", "regexp", "sdbm", "socketmap", "sqlite", "static",
            "tcp", "texthash", "unionmap", "unix"];

    private static readonly string[] LockTypes = ["flock", "fcntl", "dotlock"];

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        if (PostconfOptions.Parse(terminal, arguments, out var error) is not { } options)
        {
            return terminal.Fatal(error!);
        }

        if (options.Has('m') || options.Has('l'))
        {
            // As in Postfix, where main.cf says where more types are.
            if (options.Has('m') && await ToolConfiguration.LoadAsync(terminal, options.ConfigDirectory, cancellationToken).ConfigureAwait(false) is null)
            {
                return ExitCode.Failure;
            }

            foreach (var type in options.Has('m') ? MapTypes : LockTypes)
            {
                terminal.Out.WriteLine(type);
            }

            return ExitCode.Ok;
        }

        if (options.Has('b') || options.Has('t'))
        {
            return await PostconfTemplates.ShowAsync(terminal, options, cancellationToken).ConfigureAwait(false);
        }

        if ("aAT".Any(options.Has))
        {
            return ShowPart(terminal, options);
        }

        if (options.Has('e') || options.Has('X') || options.Has('#'))
        {
            return "MFP".Any(options.Has)
                ? await PostconfMasterEditor.RunAsync(terminal, options, cancellationToken).ConfigureAwait(false)
                : await PostconfEditor.RunAsync(terminal, options, cancellationToken).ConfigureAwait(false);
        }

        if (await PostconfFiles.ReadAsync(terminal, options, cancellationToken).ConfigureAwait(false) is not { } files)
        {
            return ExitCode.Failure;
        }

        var isMaster = "MFP".Any(options.Has);
        var exitCode = isMaster ? PostconfMaster.Show(terminal, options, files) : new PostconfParameters(terminal, options, files).Show();
        if (exitCode == ExitCode.Ok && !options.Has('d') && !options.Has('q'))
        {
            Warn(terminal, files, isMaster);
        }

        return exitCode;
    }

    /// <summary>What the program was made with.</summary>
    private static int ShowPart(Terminal terminal, PostconfOptions options)
    {
        if (options.Has('T'))
        {
            switch (options.TlsMode)
            {
                case "compile-version" or "run-version":
                    // Of one library, which is found when the program starts: nothing of it is compiled in.
                    terminal.Out.WriteLine(OpenSslLibrary.Version);
                    break;
                case "public-key-algorithms":
                    foreach (var algorithm in OpenSslLibrary.PublicKeyAlgorithms)
                    {
                        terminal.Out.WriteLine(algorithm);
                    }

                    break;
                default:
                    terminal.Warning($"unknown 'postconf -T' mode: {options.TlsMode}");
                    return ExitCode.Failure;
            }
        }

        // -a and -A: there are no plug-ins for SASL, so there is nothing to name.
        return ExitCode.Ok;
    }

    private static void Warn(Terminal terminal, PostconfFiles files, bool isMaster)
    {
        PostconfChecks.CheckTableFiles(terminal, files);
        // Who asks for services is told of theirs only.
        foreach (var problem in UnusedParameters.Find(files.MainCf, files.MasterCf).Concat(NotHonoured.Find(files.MainCf, files.MasterCf)))
        {
            if (!isMaster || problem.File == files.MasterCf.File)
            {
                terminal.Warning(PostconfChecks.Printable(problem.ToString()));
            }
        }
    }
}
