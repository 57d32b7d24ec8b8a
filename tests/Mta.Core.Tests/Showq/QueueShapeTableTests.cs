using Mta.Core.Showq;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Showq;

public sealed class QueueShapeTableTests
{
    [Fact]
    public void Table_is_laid_out_as_qshape_does()
    {
        var table = new QueueShapeTable(10, parents: false);
        table.Add("example.com", 1, 3);
        table.Add("a-domain-with-a-name-too-long-to-be-shown-whole.example.org", 10, 1234);
        table.Add("", 2, 1);

        table.Format(5, 5, linear: false, 80, 0).Split('\n').ShouldBe(
        [
            "                                         T  5 10 20 40 80 160 320 640 1280 1280+",
            "                                TOTAL 1238  3  1  0  0  0   0   0   0    0  1234",
            "+o-long-to-be-shown-whole.example.org 1234  0  0  0  0  0   0   0   0    0  1234",
            "                          example.com    3  3  0  0  0  0   0   0   0    0     0",
            "                        MAILER-DAEMON    1  0  1  0  0  0   0   0   0    0     0",
            "",
        ]);
    }

    [Fact]
    public void Parent_domains_with_enough_subdomains_are_shown()
    {
        var table = new QueueShapeTable(2, parents: true);
        table.Add("a.example.com", 1, 1);
        table.Add("b.example.com", 1, 1);
        table.Add("b.example.com", 2, 1);
        table.Add("c.other.com", 1, 1);

        Names(table.Format(2, 5, linear: false, 80, 0)).ShouldBe(["T", "TOTAL", ".example.com", "b.example.com", "c.other.com", "a.example.com"], ignoreOrder: true);
        Names(table.Format(3, 5, linear: false, 80, 0)).ShouldNotContain(".example.com");
    }

    [Fact]
    public void Linear_buckets_are_multiples_of_the_first()
    {
        var header = new QueueShapeTable(4, parents: false).Format(5, 7, linear: true, 80, 0).Split('\n')[0];
        header.Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["T", "7", "14", "21", "21+"]);
        header.Length.ShouldBe(80);
    }

    private static string[] Names(string table) =>
        [.. table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0])];
}
