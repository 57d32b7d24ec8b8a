#!/usr/bin/env bash
# Runs every test: builds all, publishes the commands for the end-to-end tests, runs each test program, and adds up what they say.
# Arguments go to each test program, for example: ./test.sh -class 'Mta.Core.Tests.Queue.*'
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

dotnet build Mta.sln -v q --nologo || { echo "the build failed"; echo "0 passed, 1 failed"; exit 1; }
./build.sh || { echo "build.sh failed"; echo "0 passed, 1 failed"; exit 1; }

passed=0 failed=0 skipped=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for project in tests/*.Tests; do
    name=$(basename "$project")
    echo "== $name"
    dotnet run --no-build --project "$project" -- -noColor "$@" 2>&1 | tee "$logs/$name"
    status=${PIPESTATUS[0]}
    summary=$(sed -nE "s/^ *$name +Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+), Not Run: ([0-9]+).*/\1 \2 \3 \4/p" "$logs/$name" | tail -n 1)
    if [ -z "$summary" ]; then
        # Without a summary the program died, or it has no tests at all.
        if [ "$status" -ne 0 ] || ! grep -q 'Total: 0' "$logs/$name"; then
            echo "$name ended without a summary (exit status $status)"
            failed=$((failed + 1))
        fi
        continue
    fi
    read -r total errors failures skips <<<"$summary"
    passed=$((passed + total - failures - skips))
    failed=$((failed + failures + errors))
    skipped=$((skipped + skips))
    if [ "$status" -ne 0 ] && [ $((failures + errors)) -eq 0 ]; then
        echo "$name ended with exit status $status"
        failed=$((failed + 1))
    fi
done

# What failed once more, where a reader of a cut log looks: the name, and the first lines of why.
if [ "$failed" -gt 0 ]; then
    echo "== what failed"
    for log in "$logs"/*; do
        awk '/\[FAIL\]$/ { left = 25 } left > 0 { print substr($0, 1, 300); left-- }' "$log"
    done
fi

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
