using System.Text;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>header_from_format, as Postfix 3.7 puts names of the sendmail command into From.</summary>
public sealed class FullNameTests
{
    [Theory]
    [InlineData("standard", "Joe Doe", "Joe Doe <joe@x.test>")]
    [InlineData("standard", "Joe, \"Q\" (x) Doe", "\"Joe, \\\"Q\\\" (x) Doe\" <joe@x.test>")]
    [InlineData("standard", "J\\oe)", "\"J\\\\oe)\" <joe@x.test>")]
    [InlineData("standard", "", "joe@x.test")]
    [InlineData("obsolete", "Joe Doe", "joe@x.test (Joe Doe)")]
    [InlineData("Obsolete", "Joe, \"Q\" (x) Doe", "joe@x.test (Joe, \"Q\" (x) Doe)")]
    [InlineData("obsolete", "Jos\u00e9", "joe@x.test (=?utf-8?B?Sm9zw6k=?=)")]
    [InlineData("obsolete", "J\\oe)", "joe@x.test (J\\\\oe\\))")]
    [InlineData("obsolete", "", "joe@x.test")]
    public async Task From_has_the_name_in_the_form_that_is_configured(string format, string name, string expected)
    {
        var bed = new CleanupTestBed($"header_from_format = {format}");
        await using var message = bed.Begin(new CleanupRequest { Sender = "joe@x.test", LocalContext = true, FullName = name });
        message.AddRecipient("r@far.example");
        message.Append(Encoding.ASCII.GetBytes("Subject: x\n\nbody\n"));
        await message.FinishAsync(TestContext.Current.CancellationToken);
        bed.Intake.LastContent.ShouldContain($"\nFrom: {expected}\n");
    }
}
