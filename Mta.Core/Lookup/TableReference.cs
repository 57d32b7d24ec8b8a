namespace Mta.Core.Lookup;

/// <summary>A lookup table as configured: <c>type:name</c>. The <c>proxy:</c> prefix is dropped, since all lookups share one query layer.</summary>
/// <param name="Type">Empty when the text has no type.</param>
public readonly record struct TableReference(string Type, string Name)
{
    private const string Proxy = "proxy:";
    private const string Sql = "sql";

    /// <summary>
    /// True for the indexed files of Postfix, which here are tables stored in the database under their path, whichever of the types is named,
    /// and for <c>sql:name</c>, such a table that has no file.
    /// </summary>
    public bool IsStored => Type is "hash" or "btree" or "lmdb" or "cdb" or "dbm" or "sdbm" or Sql;

    /// <summary>True for a stored table whose name is the path of its source file.</summary>
    public bool HasSourceFile => IsStored && Type != Sql;

    /// <summary>True for tables of patterns, in a file, inline, or stored under a path or name.</summary>
    public bool IsPatterns => Type is "cidr" or "regexp" or "pcre";

    public static TableReference Parse(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        while (text.StartsWith(Proxy, StringComparison.Ordinal))
        {
            text = text[Proxy.Length..];
        }

        var colon = text.IndexOf(':');
        if (colon < 0)
        {
            return new TableReference("", text.ToString());
        }

        var reference = new TableReference(text[..colon].ToString(), text[(colon + 1)..].ToString());
        return (reference.IsStored || reference.IsPatterns) && reference.Name is ['/', ..] && reference.Name.Contains("//", StringComparison.Ordinal)
            ? reference with { Name = WithoutEmptyParts(reference.Name) }
            : reference;
    }

    /// <summary>The name of a stored table is a path as postmap(1) makes it: <c>$directory/virtual</c> may have given two slashes.</summary>
    private static string WithoutEmptyParts(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal))
        {
            path = path.Replace("//", "/", StringComparison.Ordinal);
        }

        return path;
    }

    /// <summary>The references of a parameter such as virtual_alias_maps.</summary>
    public static IReadOnlyList<TableReference> ParseList(ReadOnlySpan<char> text)
    {
        var list = new List<TableReference>();
        foreach (var token in new ListTokens(text))
        {
            list.Add(Parse(token));
        }

        return list;
    }

    /// <summary>The reference as Postfix prints it in messages.</summary>
    public override string ToString() => Type.Length == 0 ? Name : $"{Type}:{Name}";
}
