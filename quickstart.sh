#!/usr/bin/env bash
# quickstart.sh: builds the mail system, starts it on 127.0.0.1:2525 with a PostgreSQL of its own, and sends two messages through it.
# It stays running, with everything it makes under .quickstart/; --once stops it at the end.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$top"

port=2525
domain=quickstart.example
once=no
case ${1:-} in
    --once) once=yes ;;
    "") ;;
    *) echo "usage: $0 [--once]" >&2; exit 64 ;;
esac

say() { printf '\n== %s\n' "$*"; }
fail() { echo "quickstart.sh: $*" >&2; exit 1; }

# What is missing ------------------------------------------------------------------------------------------------------------------

command -v dotnet >/dev/null || fail "the .NET SDK 10 is missing: https://dotnet.microsoft.com/download (or: apt-get install dotnet-sdk-10.0)"

postgres_is_there() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; }

if ! postgres_is_there; then
    # Debian would make a cluster on port 5432 of its own accord; the mail system makes its own, on a socket only.
    install='mkdir -p /etc/postgresql-common && { test -e /etc/postgresql-common/createcluster.conf || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; } && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y -o Dpkg::Options::=--force-confold postgresql'
    say "installing the PostgreSQL server"
    if ! command -v apt-get >/dev/null; then
        fail "install the PostgreSQL server (15 or later) with your system's package manager, and run this again"
    elif [[ $EUID == 0 ]]; then
        bash -c "$install"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
        sudo bash -c "$install"
    else
        fail "the PostgreSQL server is missing; as root run: $install"
    fi
fi

# Where things go ------------------------------------------------------------------------------------------------------------------

# The mail system leaves root behind: its owner has to get into every directory above. And the name of a socket is at most 107 bytes.
is_open() {
    local directory=$1
    while [[ $directory != / ]]; do
        [[ $(stat -c %A "$directory") == *[xt] ]] || return 1
        directory=$(dirname "$directory")
    done
}

if [[ $EUID == 0 ]]; then
    owner=mta
    id -u "$owner" >/dev/null 2>&1 || { say "making the user $owner"; useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$owner"; }
else
    owner=$(id -un)
fi

state=$top/.quickstart
elsewhere=/var/tmp/mta-quickstart-$EUID
if [[ -L $state ]]; then
    state=$(readlink "$state")
elif [[ ! -d $state ]] && { { [[ $EUID == 0 ]] && ! is_open "$top"; } || ((${#state} > 80)); }; then
    ln -s "$elsewhere" "$state"
    state=$elsewhere
fi
[[ $state == "$top"/* ]] || echo "quickstart.sh: .quickstart is a link to $state, because $owner cannot work under $top"
mkdir -p "$state/etc"

say "building"
sbin=$top/dist/sbin
[[ ! -x $sbin/postfix || ! -e $state/etc/main.cf ]] || ! "$sbin/postfix" -c "$state/etc" status 2>/dev/null || "$sbin/postfix" -c "$state/etc" stop
./build.sh
if [[ $EUID == 0 ]] && ! is_open "$top"; then
    rm -rf "$state/dist"
    cp -a "$top/dist" "$state/dist"
    sbin=$state/dist/sbin
fi

# Configuration --------------------------------------------------------------------------------------------------------------------

mailboxes=$state/mailboxes
mkdir -p "$state/queue" "$state/data" "$mailboxes"
[[ $EUID != 0 ]] || chown "$owner" "$state/data" "$mailboxes"
cat > "$state/etc/main.cf" <<MAIN
compatibility_level = 3.12
database_url = embedded
mail_owner = $owner
queue_directory = $state/queue
data_directory = $state/data
maillog_file = $state/mail.log
maillog_file_prefixes = $state
myhostname = mail.$domain
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = $domain
virtual_mailbox_base = $mailboxes
virtual_mailbox_maps = inline:{you@$domain=you/}
virtual_uid_maps = static:$(id -u "$owner")
virtual_gid_maps = static:$(id -g "$owner")
virtual_minimum_uid = 1
MAIN
cat > "$state/etc/master.cf" <<MASTER
# service         type private unpriv chroot wakeup maxproc command
127.0.0.1:$port    inet n       -      n      -      -       smtpd
pickup            unix n       -      n      60     1       pickup
cleanup           unix n       -      n      -      0       cleanup
qmgr              unix n       -      n      300    1       qmgr
rewrite           unix -       -      n      -      -       trivial-rewrite
bounce            unix -       -      n      -      0       bounce
defer             unix -       -      n      -      0       bounce
flush             unix n       -      n      1000?  0       flush
smtp              unix -       -      n      -      -       smtp
relay             unix -       -      n      -      -       smtp
showq             unix n       -      n      -      -       showq
error             unix -       -      n      -      -       error
retry             unix -       -      n      -      -       error
discard           unix -       -      n      -      -       discard
local             unix -       n      n      -      -       local
virtual           unix -       n      n      -      -       virtual
MASTER

# Start, send, show ----------------------------------------------------------------------------------------------------------------

say "starting on 127.0.0.1:$port"
"$sbin/postfix" -c "$state/etc" start
stop="$sbin/postfix -c $state/etc stop"
[[ $once == no ]] || trap '$stop' EXIT

count() { { find "$mailboxes/you/new" -type f 2>/dev/null || true; } | wc -l; }
before=$(count)

say "sending a message with sendmail"
printf 'Subject: hello from sendmail\nTo: you@%s\n\nIt works.\n' "$domain" | "$sbin/sendmail" -C "$state/etc" -t
echo "sent"

say "sending a message over SMTP"
exec 3<>"/dev/tcp/127.0.0.1/$port"
reply() {
    local line
    while IFS= read -r -t 30 line <&3; do
        line=${line%$'\r'}
        echo "S: $line"
        if [[ $line == [2-5]??' '* ]]; then
            [[ $line == "$1"* ]] || fail "the server answered $line"
            return
        fi
    done
    fail "the server does not answer"
}
smtp() { printf "C: %s\n" "${1//$'\r\n'/$'\nC: '}"; printf "%s\r\n" "$1" >&3; reply "$2"; }
reply 220
smtp "EHLO localhost" 250
smtp "MAIL FROM:<you@$domain>" 250
smtp "RCPT TO:<you@$domain>" 250
smtp "DATA" 354
smtp $'Subject: hello over SMTP\r\n\r\nIt works.\r\n.' 250
smtp "QUIT" 221
exec 3>&-

for ((i = 0; i < 300 && $(count) < before + 2; i++)); do
    sleep 0.1
done
(($(count) >= before + 2)) || { tail -n 20 "$state/mail.log"; fail "the messages did not arrive; the log is $state/mail.log"; }

say "both are in the maildir $mailboxes/you"
grep -rh '^Subject: hello' "$mailboxes/you/new"
say "mailq"
"$sbin/mailq" -C "$state/etc"
say "the log ($state/mail.log)"
tail -n 15 "$state/mail.log"

if [[ $once == yes ]]; then
    say "stopping"
else
    say "it runs; to stop it: $stop"
fi
