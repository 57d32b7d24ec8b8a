namespace Mta.Benchmarks;

/// <summary>Why a measurement cannot be made; its text is for the person who runs it.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
