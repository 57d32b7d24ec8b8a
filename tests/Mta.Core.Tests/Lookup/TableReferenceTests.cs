using Mta.Core.Lookup;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Lookup;

public sealed class TableReferenceTests
{
    /// <summary>As postmap(1) names what it makes, so that <c>hash:$config_directory//virtual</c> reads it.</summary>
    [Theory]
    [InlineData("hash:/etc/postfix//virtual", "/etc/postfix/virtual")]
    [InlineData("proxy:btree://etc///x", "/etc/x")]
    [InlineData("pcre:/etc//x", "/etc/x")]
    [InlineData("pcre:{{//x// y}}", "{{//x// y}}")]
    [InlineData("ldap:ldap://x//y", "ldap://x//y")]
    [InlineData("hash:x//y", "x//y")]
    public void Paths_of_stored_tables_have_no_empty_parts(string text, string name) => TableReference.Parse(text).Name.ShouldBe(name);
}
