namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// An enhanced code made to fit what is refused: a code about an address says of which one (RFC 3463 section 3.2), and what is no address has
/// no such code.
/// </summary>
internal static class AddressStatus
{
    /// <summary>Subject and detail of the code that fits; a change is logged, for the table has another one.</summary>
    /// <param name="dsn"><c>5.1.1</c>, <c>4.7.1</c> ...</param>
    /// <param name="class"><c>Sender address</c>, <c>Helo command</c> ...</param>
    public static string Fit(CheckContext context, string dsn, string @class)
    {
        var detail = dsn[2..];
        var fitting = Fit(detail, @class);
        if (fitting != detail)
        {
            context.Session.Log.Info(context.Session.Tag, $"mapping DSN status {dsn} into {@class} status {dsn[0]}.{fitting}");
        }

        return fitting;
    }

    private static string Fit(string detail, string @class) => (detail, @class) switch
    {
        (not ['1', '.', ..], _) => detail,
        ("1.1" or "1.3" or "1.4" or "1.6" or "1.7", "Sender address") => "1.7",
        ("1.2" or "1.8", "Sender address") => "1.8",
        ("1.7", "Recipient address") => "1.3",
        ("1.8", "Recipient address") => "1.2",
        ("1.1" or "1.2" or "1.3" or "1.4" or "1.5" or "1.6", "Recipient address") => detail,
        (_, "Sender address" or "Recipient address") => "1.0",
        _ => "0.0",
    };
}
