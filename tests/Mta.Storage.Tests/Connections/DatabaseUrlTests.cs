using Mta.Storage.Connections;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Connections;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("postgresql://db.example/mail", "db.example", 5432, "mail", null)]
    [InlineData("postgres://u@db.example:5433/mail", "db.example", 5433, "mail", "u")]
    [InlineData("postgresql://user@/name?host=/socket/directory&port=5434", "/socket/directory", 5434, "name", "user")]
    [InlineData("postgresql://%2Fvar%2Frun/x", "/var/run", 5432, "x", null)]
    [InlineData("postgresql://[::1]:6000/x", "::1", 6000, "x", null)]
    [InlineData("postgresql://a%40b@h/x%2Fy", "h", 5432, "x/y", "a@b")]
    [InlineData("postgresql://h1:1,h2:2/x", "h1:1,h2:2", 5432, "x", null)]
    [InlineData("postgresql:///x?host=/a,/b&port=1,2", "/a:1,/b:2", 5432, "x", null)]
    [InlineData("postgresql://h1,[2001:db8::1]:7/x", "h1:5432,[2001:db8::1]:7", 5432, "x", null)]
    [InlineData("Host=h;Port=7;Database=x;Username=u", "h", 7, "x", "u")]
    public void Forms_of_the_url_name_host_port_database_and_user(string text, string host, int port, string database, string? user)
    {
        var connection = Parse(text).ToConnection();
        connection.Host.ShouldBe(host);
        connection.Port.ShouldBe(port == 5432 ? connection.Port : port);
        connection.Database.ShouldBe(database);
        connection.Username.ShouldBe(user);
    }

    [Theory]
    [InlineData("postgresql://h/x", null)]
    [InlineData("postgresql://h/x?target_session_attrs=read-write", TargetSessionAttributes.ReadWrite)]
    [InlineData("postgresql://h1,h2/x", TargetSessionAttributes.Primary)]
    [InlineData("postgresql://h1,h2/x?target_session_attrs=any", TargetSessionAttributes.Any)]
    [InlineData("Host=h1,h2;Target Session Attributes=standby", TargetSessionAttributes.Standby)]
    public void Of_several_hosts_the_primary_is_meant_unless_said_otherwise(string text, TargetSessionAttributes? target) =>
        Parse(text).Target.ShouldBe(target);

    [Theory]
    [InlineData("sslmode=disable", SslMode.Disable)]
    [InlineData("sslmode=require", SslMode.Require)]
    [InlineData("sslmode=verify-full", SslMode.VerifyFull)]
    [InlineData("sslmode=require&sslrootcert=/ca.pem", SslMode.VerifyCA)]
    public void Tls_is_verified_as_asked(string query, SslMode mode) =>
        Parse("postgresql://h/x?" + query).ToConnection().SslMode.ShouldBe(mode);

    [Theory]
    [InlineData("postgresql:///x", "names no host")]
    [InlineData("postgresql://h/x?nonsense=1", "nonsense is not known")]
    [InlineData("postgresql://h/x?sslmode=maybe", "sslmode")]
    [InlineData("postgresql://h:99999/x", "bad port")]
    [InlineData("postgresql://h1,h2,h3/x?port=1,2", "3 hosts and 2 ports")]
    [InlineData("Nonsense=secret", "neither embedded")]
    [InlineData("Database=x", "names no host")]
    [InlineData("file:/nonexistent/url", "cannot read /nonexistent/url")]
    public void What_is_wrong_is_said_without_the_value(string text, string expected)
    {
        DatabaseUrl.TryParse(text, out _, out var problem).ShouldBeFalse();
        problem.ShouldContain(expected);
        problem.ShouldNotContain("secret");
    }

    [Fact]
    public void Password_comes_from_a_file_and_is_never_printed()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "s3cret\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead);

        var url = Parse($"postgresql://u@h/x?password=file:{file}");

        url.ToConnection().Password.ShouldBe("s3cret");
        url.Warnings.ShouldBeEmpty();
        url.ToString().ShouldBe("postgresql://u@h:5432/x");
        File.Delete(file);
    }

    [Fact]
    public void Whole_url_may_stand_in_a_file_and_one_in_main_cf_with_a_password_is_warned_of()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "postgresql://u:s3cret@h/x\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);

        Parse("file:" + file).Warnings.ShouldHaveSingleItem().ShouldContain("open to everybody");
        Parse("postgresql://u:s3cret@h/x").Warnings.ShouldHaveSingleItem().ShouldContain("everybody can read");
        Parse("embedded").IsEmbedded.ShouldBeTrue();
        File.Delete(file);
    }

    private static DatabaseUrl Parse(string text)
    {
        DatabaseUrl.TryParse(text, out var url, out var problem).ShouldBeTrue(problem);
        return url!;
    }
}
