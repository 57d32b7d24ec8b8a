using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>Debian's slapd with a few people and groups, for the tests of one class.</summary>
public sealed class LdapServer : IAsyncLifetime
{
    private const string Entries =
        """
        dn: dc=example,dc=com
        objectClass: organization
        objectClass: dcObject
        o: example
        dc: example

        dn: uid=anna,dc=example,dc=com
        objectClass: inetOrgPerson
        uid: anna
        cn: Anna
        sn: Anna
        mail: anna@example.com
        mail: anna.second@example.com
        description: person

        dn: uid=bo,dc=example,dc=com
        objectClass: inetOrgPerson
        uid: bo
        cn: Bo (the second) * \ ,
        sn: Bo
        mail: bo@sub.example.com
        departmentNumber: terminal@example.com

        dn: cn=group,dc=example,dc=com
        objectClass: groupOfNames
        objectClass: extensibleObject
        cn: group
        mail: group@example.com
        description: group itself
        member: uid=anna,dc=example,dc=com
        member: uid=bo,dc=example,dc=com
        member: uid=nobody,dc=example,dc=com

        dn: cn=urls,dc=example,dc=com
        objectClass: groupOfURLs
        objectClass: extensibleObject
        cn: urls
        mail: urls@example.com
        memberURL: ldap:///dc=example,dc=com?mail?sub?(uid=anna)

        dn: cn=loop,dc=example,dc=com
        objectClass: groupOfNames
        objectClass: extensibleObject
        cn: loop
        mail: loop@example.com
        member: cn=loop,dc=example,dc=com

        """;

    private readonly string directory = Programs.NewDirectory("ldap");
    private readonly int port = Ports.Free();
    private Process server = null!;

    /// <summary>Its parameters for a table.</summary>
    public string Parameters => string.Create(CultureInfo.InvariantCulture, $"server_host = {Url}\nsearch_base = dc=example,dc=com\ntimeout = 5\n");

    public string Url => string.Create(CultureInfo.InvariantCulture, $"ldap://127.0.0.1:{port}");

    public async ValueTask InitializeAsync()
    {
        var database = Directory.CreateDirectory(Path.Combine(directory, "db")).FullName;
        var configuration = Path.Combine(directory, "slapd.conf");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            include /etc/ldap/schema/dyngroup.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            pidfile {directory}/pid
            database mdb
            suffix "dc=example,dc=com"
            rootdn "cn=admin,dc=example,dc=com"
            rootpw secret
            directory {database}
            access to * by dn.exact="cn=admin,dc=example,dc=com" write by anonymous auth by * none
            """,
            default);
        var entries = Path.Combine(directory, "entries.ldif");
        await File.WriteAllTextAsync(entries, Entries, default);
        (await CommandResult.RunAsync("/usr/sbin/slapadd", ["-q", "-f", configuration, "-l", entries], null, null, default)).Succeeded();
        string[] user = [];
        if (Environment.IsPrivilegedProcess)
        {
            TestUser.Own(directory);
            TestUser.Own(database);
            foreach (var file in Directory.GetFiles(database))
            {
                TestUser.Own(file);
            }

            user = ["-u", TestUser.Name];
        }

        server = Process.Start(new ProcessStartInfo("/usr/sbin/slapd", [.. user, "-d", "0", "-f", configuration, "-h", Url]))!;
        await Until.TrueAsync(() => Ports.IsListeningAsync(port), "slapd listens", default);
    }

    public async ValueTask DisposeAsync()
    {
        server.Kill();
        await server.WaitForExitAsync();
        server.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
