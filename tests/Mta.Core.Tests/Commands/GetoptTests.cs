using Mta.Core.Commands;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Commands;

public sealed class GetoptTests
{
    [Theory]
    [InlineData("-p", "p", "")]
    [InlineData("-pj", "p j", "")]
    [InlineData("-c dir -p", "c=dir p", "")]
    [InlineData("-cdir -p a b", "c=dir p", "a b")]
    [InlineData("-pcdir", "p c=dir", "")]
    [InlineData("-p -- -j", "p", "-j")]
    [InlineData("-p a -j", "p", "a -j")]
    [InlineData("- -p", "", "- -p")]
    [InlineData("-c -p", "c=-p", "")]
    [InlineData("", "", "")]
    public void Reads_options_as_posix_getopt_does(string line, string options, string operands)
    {
        var getopt = new Getopt(Split(line), "c:pj");
        Read(getopt).ShouldBe(Split(options));
        getopt.Operands.ShouldBe(Split(operands));
    }

    [Theory]
    [InlineData("-x", "invalid option -- 'x'")]
    [InlineData("-:", "invalid option -- ':'")]
    [InlineData("-pc", "option requires an argument -- 'c'")]
    public void Says_what_is_wrong_in_the_words_of_the_library(string line, string problem)
    {
        var getopt = new Getopt(Split(line), "c:pj");
        while (getopt.TryRead(out var option) && option != Getopt.Invalid)
        {
        }

        getopt.Problem.ShouldBe(problem);
    }

    [Fact]
    public void Goes_on_after_an_unknown_letter()
    {
        Read(new Getopt(["-xp", "-j"], "pj")).ShouldBe(["?", "p", "j"]);
    }

    private static List<string> Read(Getopt getopt)
    {
        var result = new List<string>();
        while (getopt.TryRead(out var option))
        {
            result.Add(getopt.Value.Length == 0 ? option.ToString() : $"{option}={getopt.Value}");
        }

        return result;
    }

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
