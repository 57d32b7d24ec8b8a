using Mta.Core.Lookup;
using Mta.Services.Maps;
using Xunit;

namespace Mta.Services.Tests.Maps;

/// <summary>Looks up what must be in memory.</summary>
internal static class Immediate
{
    public static LookupResult Find(ILookupTable table, string key) => Result(table.FindAsync(key, TestContext.Current.CancellationToken));

    public static T Result<T>(ValueTask<T> pending) =>
        pending.IsCompletedSuccessfully ? pending.Result : throw new InvalidOperationException("the answer was not in memory");
}
