using System.Globalization;
using System.Text;

namespace Mta.Services.Smtpd;

/// <summary>The numbers of the disconnect line: successes and totals of each verb, in the order of the verb table.</summary>
internal sealed class CommandCounts
{
    private readonly int[] successes = new int[VerbTable.Count + 1];
    private readonly int[] totals = new int[VerbTable.Count + 1];

    /// <param name="verb">The place in the verb table; <see cref="VerbTable.Count"/> for unknown commands.</param>
    public void Begin(int verb) => totals[verb]++;

    public void Succeed(int verb) => successes[verb]++;

    /// <summary><c> ehlo=1 rcpt=0/1 commands=1/2</c>, with a space before each.</summary>
    public string Describe()
    {
        var text = new StringBuilder(64);
        for (var i = 0; i < totals.Length; i++)
        {
            if (totals[i] > 0)
            {
                Append(text, i < VerbTable.Count ? VerbTable.All[i].LogName : "unknown", successes[i], totals[i]);
            }
        }

        Append(text, "commands", successes.Sum(), totals.Sum());
        return text.ToString();
    }

    private static void Append(StringBuilder text, string name, int successes, int total)
    {
        text.Append(' ').Append(name).Append('=').Append(CultureInfo.InvariantCulture, $"{successes}");
        if (successes != total)
        {
            text.Append('/').Append(CultureInfo.InvariantCulture, $"{total}");
        }
    }
}
