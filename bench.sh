#!/usr/bin/env bash
# bench.sh: measures the published server; --vs-postfix measures Debian's Postfix as well, in turns. --deferred N and --soak TIME try it with a
# large queue and with a long report, --tables N with large tables; --storage and --history compare ways to store. --help says more.
set -euo pipefail
top=$(cd "$(dirname "$0")" && pwd)
if [[ ! -x $top/dist/sbin/postfix && " $* " != *" --no-mta "* ]]; then
    "$top/build.sh"
fi
dotnet build -c Release -v q --nologo -clp:NoSummary "$top/tests/Mta.Benchmarks/Mta.Benchmarks.csproj"
exec dotnet "$top/tests/Mta.Benchmarks/bin/Release/net10.0/Mta.Benchmarks.dll" --dist "$top/dist" "$@"
