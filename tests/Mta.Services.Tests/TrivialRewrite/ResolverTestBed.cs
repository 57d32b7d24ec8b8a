using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.TrivialRewrite;

namespace Mta.Services.Tests.TrivialRewrite;

/// <summary>A resolver over main.cf text.</summary>
internal static class ResolverTestBed
{
    /// <summary>The configuration whose answers a Postfix 3.7 gave.</summary>
    public const string MainCf =
        """
        compatibility_level = 3.12
        myhostname = mx.example.org
        mydomain = example.org
        myorigin = $myhostname
        mydestination = $myhostname, localhost.$mydomain, localhost, local.example
        inet_interfaces = 127.0.0.1
        recipient_delimiter = +
        virtual_alias_domains = valias.example
        virtual_mailbox_domains = vbox.example
        relay_domains = relay.example
        transport_maps = inline:{ {t.example = smtp:[127.0.0.9]:2525} {.t.example = relay:} {u@t.example = :nh.example} {n.example=error:5.7.1 no mail} {empty.example=:} {slow.local.example=slow:} {x@local.example=smtp:viax} {y@valias.example=smtp:viay} {z@vbox.example=smtp:viaz}}
        relocated_maps = inline:{ {gone@local.example = new@far.example} {moved = there@far.example} }
        sender_dependent_relayhost_maps = inline:{ {s@sdr.example = [sdr-user]} {@sdr.example=[sdr-dom]} {d@sdr.example=DUNNO} {<>=[nullrelay]} }
        sender_dependent_default_transport_maps = inline:{ {s@sdt.example = relay:sdtnh} {@sdt.example=smtp} {@sdt2.example=lmtp:} }
        """;

    public static AddressResolver Create(string changes = "", ListLog? log = null)
    {
        var mailLog = new MailLog(log ?? new ListLog());
        return new AddressResolver(Parse(MainCf + "\n" + changes), new TableRegistry(mailLog, TimeProvider.System), mailLog);
    }

    public static Settings Parse(string mainCf)
    {
        var values = new Dictionary<string, string>();
        foreach (var line in mainCf.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = line.IndexOf('=');
            values[line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }

        return new Settings(values);
    }
}
