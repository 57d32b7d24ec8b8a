namespace Mta.Services.Smtpd.Restrictions;

/// <summary>A class of smtpd_restriction_classes: a list of restrictions under a name of its own. It may name itself, but not without end.</summary>
internal sealed class RestrictionClass(string name)
{
    /// <summary>Empty until it is compiled.</summary>
    public Restriction[] List { get; set; } = [];

    public ValueTask<Verdict> AskAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        if (!context.IsNestedEndlessly)
        {
            return context.EvaluateAsync(List, cancellationToken);
        }

        context.Session.Log.Warning(context.Session.Tag, $"restriction class {name} causes unreasonable recursion");
        return new(Verdict.ConfigurationError);
    }
}
