using Mta.Daemon;

if (DaemonArguments.Parse(args) is not { } arguments)
{
    Console.Error.WriteLine("this program is started by the postfix command; by hand: Mta.Daemon master -c DIR --foreground");
    return 64;
}

return arguments.Part switch
{
    "master" => await MasterProcess.RunAsync(arguments).ConfigureAwait(false),
    "services" => await ServicesProcess.RunAsync(arguments).ConfigureAwait(false),
    _ => await DeliveryProcess.RunAsync(arguments).ConfigureAwait(false),
};
