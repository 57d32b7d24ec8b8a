namespace Mta.Tools.Postmap;

/// <summary>Ends the command with <c>fatal:</c> and this text; caught in one place.</summary>
internal sealed class MapToolException(string message) : Exception(message);
