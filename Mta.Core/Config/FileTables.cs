using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Mta.Core.Config;

/// <summary>
/// Which tables such as <c>hash:/path</c> may be made of the file that they are named after. With values of SQL in use, those that the
/// configuration files name by themselves: a table that only SQL names is in the database or nowhere, for the file may be one that an
/// administrator of mail may not read.
/// </summary>
public sealed partial class FileTables
{
    private readonly HashSet<string> paths = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<Settings, object> known = [];
    private bool isLimited;

    /// <summary>Takes note of what the files say that these settings were made of.</summary>
    public void Add(Settings settings)
    {
        if (settings.Stored.IsEmpty)
        {
            return;
        }

        lock (paths)
        {
            if (!known.TryAdd(settings, settings))
            {
                return;
            }

            isLimited = true;
            var own = settings.Own;

            foreach (var name in own.Names.Concat(Parameters.ByName.Keys))
            {
                foreach (Match match in Reference().Matches(own.Expand(own.Raw(name) ?? "").Value))
                {
                    paths.Add(match.Groups[1].Value);
                }
            }
        }
    }

    public bool MayRead(string path)
    {
        lock (paths)
        {
            return !isLimited || paths.Contains(path);
        }
    }

    [GeneratedRegex(@"\b(?:hash|btree|lmdb|cdb|dbm|sdbm):([^\s,{}]+)")]
    private static partial Regex Reference();
}
