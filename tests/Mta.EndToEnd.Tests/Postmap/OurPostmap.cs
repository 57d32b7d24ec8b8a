using System.Text;
using Mta.Core.Config;
using Mta.Testing;
using Mta.Tools;
using Mta.Storage.Connections;
using Mta.Tools.Postmap;

namespace Mta.EndToEnd.Tests.Postmap;

/// <summary>Runs our postmap or postalias in this process, over a test's database.</summary>
internal sealed class OurPostmap(TestDatabase database)
{
    public async Task<(int Exit, string Output, string Error)> RunAsync(string name, byte[] input, string[] arguments, CancellationToken cancellationToken, Encoding? encoding = null)
    {
        var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        int exit;
        using (var terminal = new Terminal(name, new MemoryStream(input), output, error))
        {
            var settings = new Settings([new("default_database_type", "hash")]);
            var host = new MapToolHost((_, _) => Task.FromResult<Settings?>(settings), (_, _) => Task.FromResult(DatabasePool.FromNpgsqlDataSource(database.DataSource)));
            exit = await MapTool.RunAsync(terminal, arguments, name == "postalias", host, cancellationToken);
        }

        return (exit, (encoding ?? Encoding.UTF8).GetString(output.ToArray()), error.ToString());
    }
}
