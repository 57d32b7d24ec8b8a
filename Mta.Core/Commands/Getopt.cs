namespace Mta.Core.Commands;

/// <summary>
/// Reads options as POSIX getopt(3) does, which every Postfix command uses: letters may be clustered, a value is attached or the next
/// argument, and the first operand or <c>--</c> ends the options.
/// </summary>
/// <param name="arguments">The arguments after the command's name.</param>
/// <param name="letters">The letters that are known; one followed by a colon takes a value.</param>
public sealed class Getopt(IReadOnlyList<string> arguments, string letters)
{
    /// <summary>What <see cref="TryRead"/> gives for a letter that is unknown or lacks its value; <see cref="Problem"/> says which.</summary>
    public const char Invalid = '?';

    private int index;
    private int position;

    /// <summary>The value of the option that was read last; empty when it takes none.</summary>
    public string Value { get; private set; } = "";

    /// <summary>What is wrong with the option read last, in the words of the C library; null when nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>The arguments after the options; complete once <see cref="TryRead"/> returned false.</summary>
    public IReadOnlyList<string> Operands => arguments.Skip(index).ToArray();

    /// <summary>Reads the next option; false when operands begin.</summary>
    public bool TryRead(out char option)
    {
        option = default;
        Value = "";
        Problem = null;
        if (position == 0)
        {
            if (index >= arguments.Count || arguments[index] is not ['-', _, ..])
            {
                return false;
            }

            if (arguments[index] == "--")
            {
                index++;
                return false;
            }

            position = 1;
        }

        var cluster = arguments[index];
        option = cluster[position++];
        var known = option == ':' ? -1 : letters.IndexOf(option, StringComparison.Ordinal);
        if (known < 0)
        {
            Problem = $"invalid option -- '{option}'";
            option = Invalid;
        }
        else if (known + 1 < letters.Length && letters[known + 1] == ':')
        {
            ReadValue(cluster, ref option);
            return true;
        }

        if (position == cluster.Length)
        {
            NextArgument();
        }

        return true;
    }

    private void ReadValue(string cluster, ref char option)
    {
        if (position < cluster.Length)
        {
            Value = cluster[position..];
        }
        else if (index + 1 < arguments.Count)
        {
            Value = arguments[++index];
        }
        else
        {
            Problem = $"option requires an argument -- '{option}'";
            option = Invalid;
        }

        NextArgument();
    }

    private void NextArgument()
    {
        index++;
        position = 0;
    }
}
