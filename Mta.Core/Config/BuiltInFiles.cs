namespace Mta.Core.Config;

/// <summary>The main.cf and master.cf that a new configuration directory begins with.</summary>
public static class BuiltInFiles
{
    public const string MainCf =
        """
        # Configuration of this node. The syntax, the names and their defaults are Postfix's; see COMPATIBILITY.md for what is honoured.
        # "postconf -n" shows what is set here, "postconf -d" the defaults, "postconf -e name=value" edits this file in place.

        # The release whose defaults this file was written for.
        compatibility_level = 3.12

        # Where mail, tables and logs are kept: "embedded" is a private PostgreSQL under $data_directory/postgres.
        # database_url = embedded

        # myhostname = host.example.com
        # mydestination = $myhostname, localhost.$mydomain, localhost
        # mynetworks_style = host
        # relayhost =
        # inet_interfaces = all

        """;

    public const string MasterCf =
        """
        # The services of this node. "postconf -M" shows them, "postfix reload" puts changes into force.
        # service type      private unpriv  chroot  wakeup  maxproc command + args
        smtp      inet      n       -       n       -       -       smtpd
        #submission inet    n       -       n       -       -       smtpd
        #  -o syslog_name=postfix/submission
        #  -o smtpd_tls_security_level=encrypt
        #  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
        pickup    unix      n       -       n       60      1       pickup
        cleanup   unix      n       -       n       -       0       cleanup
        qmgr      unix      n       -       n       300     1       qmgr
        rewrite   unix      -       -       n       -       -       trivial-rewrite
        bounce    unix      -       -       n       -       0       bounce
        defer     unix      -       -       n       -       0       bounce
        trace     unix      -       -       n       -       0       bounce
        verify    unix      -       -       n       -       1       verify
        flush     unix      n       -       n       1000?   0       flush
        proxymap  unix      -       -       n       -       -       proxymap
        proxywrite unix     -       -       n       -       1       proxymap
        smtp      unix      -       -       n       -       -       smtp
        relay     unix      -       -       n       -       -       smtp
          -o syslog_name=${multi_instance_name?{$multi_instance_name}:{postfix}}/$service_name
        showq     unix      n       -       n       -       -       showq
        error     unix      -       -       n       -       -       error
        retry     unix      -       -       n       -       -       error
        discard   unix      -       -       n       -       -       discard
        local     unix      -       n       n       -       -       local
        virtual   unix      -       n       n       -       -       virtual
        lmtp      unix      -       -       n       -       -       lmtp
        anvil     unix      -       -       n       -       1       anvil
        scache    unix      -       -       n       -       1       scache
        postlog   unix-dgram n      -       n       -       1       postlogd

        """;
}
