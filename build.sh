#!/usr/bin/env bash
# build.sh: publishes into dist/: dist/lib/mta holds the programs, dist/sbin and dist/bin one link for each command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

command -v dotnet >/dev/null || { echo "build.sh: the .NET SDK (10.0) is not installed: https://dotnet.microsoft.com/download" >&2; exit 1; }

configuration=Release
lib=dist/lib/mta
rid=$(dotnet --info | sed -n 's/^ *RID: *//p' | head -n 1)
# Debian's and other distributions' own names for the runtime know no ReadyToRun images.
case $rid in
    linux-*) ;;
    *) case $(uname -m) in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) echo "build.sh: no ReadyToRun for $(uname -m)" >&2; exit 1 ;; esac ;;
esac

mkdir -p dist/lib dist/sbin dist/bin
staging=$(mktemp -d dist/lib/.publish.XXXXXX)
trap 'rm -rf "$staging"' EXIT
for project in Mta.Daemon Mta.Tools; do
    dotnet publish "$project/$project.csproj" --nologo -v quiet -c "$configuration" -r "$rid" --no-self-contained -p:PublishReadyToRun=true -o "$staging"
done

# A daemon that runs from here keeps its files: they are replaced, not written over.
chmod -R a+rX "$staging"
rm -rf "$lib.old"
[ ! -e "$lib" ] || mv "$lib" "$lib.old"
mv "$staging" "$lib"
rm -rf "$lib.old"

find dist/sbin dist/bin -type l -delete
for command in $("$lib/Mta.Tools" --list-commands); do
    ln -s ../lib/mta/Mta.Tools "dist/sbin/$command"
done
for command in mailq newaliases; do
    [ ! -e "dist/sbin/$command" ] || ln -s ../lib/mta/Mta.Tools "dist/bin/$command"
done
echo "built: $(cd dist && pwd)/sbin"
