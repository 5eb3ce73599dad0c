#!/bin/sh
# Puts windlass-agent onto this machine, has it enrol with {{ facts.title }}, and starts it.
#
#   curl -fsSL {{ facts.url }}/agent/install.sh | WINDLASS_NAME=NAME WINDLASS_TOKEN=TOKEN sh
#
# `windlass agent token NAME` prints that line whole. It needs curl or wget and no root. Variables:
#   WINDLASS_TOKEN   the one-time token
#   WINDLASS_NAME    the agent's name; without it the machine's own
#   WINDLASS_MASTER  another way to the master
#   WINDLASS_DIR     where the program goes
#   WINDLASS_START   `no` leaves the starting to you
# Arguments behind `sh -s --` go to `windlass-agent enroll`, such as `--force` or `--root FOLDER`.

set -eu

say() { printf 'windlass: %s\n' "$*"; }
die() { printf 'windlass: %s\n' "$*" >&2; exit 1; }

fetch() {
    if command -v curl >/dev/null 2>&1; then curl -fsSL -o "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then wget -q -O "$2" "$1"
    else die 'curl or wget is needed, and neither is here'
    fi
}

sum_of() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"
    elif command -v shasum >/dev/null 2>&1; then shasum -a 256 "$1"
    elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r "$1"
    else die 'sha256sum, shasum or openssl is needed to check the program, and none is here'
    fi
}

# Name and hash of the program for the system `$1`.
choose() {
    case $1 in
{%- for program in facts.programs %}
    {{ program.arch }}-{{ program.os }}{% if program.tls %}-tls{% endif %}) file={{ program.file }} sum={{ program.sha256 }} ;;
{%- endfor %}
    *) die "the master has no program for $1{% if facts.programs.is_empty() %} nor any other: its administrator puts what agent/dist makes into the folder \`agents\` of its data folder{% else %}; it has{% for program in facts.programs %} {{ program.file }}{% endfor %}{% endif %}" ;;
    esac
}

start() {
    if [ "${WINDLASS_START:-yes}" = no ]; then
        say "start it with: $program run${config:+ --config $config}"
        return
    fi
    services=no
    if [ "$(id -u)" = 0 ]; then
        if [ -d /run/systemd/system ] || [ "$os" = macos ]; then services=yes; fi
    elif [ "$os" = macos ] || systemctl --user show-environment >/dev/null 2>&1; then
        services=yes
    fi
    if [ $services = yes ] && "$program" install ${config:+--config "$config"}; then
        say 'installed as a service; it starts with the machine'
        return
    fi
    nohup "$program" run ${config:+--config "$config"} >>"$dir/agent.log" 2>&1 </dev/null &
    say "started as process $!; it writes to $dir/agent.log"
    say "no service manager takes it: start it after a reboot with: $program run${config:+ --config $config}"
}

main() {
    token=${WINDLASS_TOKEN:-}
    [ -n "$token" ] || die 'WINDLASS_TOKEN is missing: `windlass agent token NAME` on the master prints the whole line'
    name=${WINDLASS_NAME:-$(uname -n | cut -d. -f1 | tr -c 'A-Za-z0-9._\n-' '-')}
    master=${WINDLASS_MASTER:-{{ facts.master }}}
    config=${WINDLASS_CONFIG:-}
    case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    FreeBSD) os=freebsd ;;
    *) die "there is no agent for $(uname -s)" ;;
    esac
    case $(uname -m) in
    x86_64 | amd64) arch=x86_64 ;;
    aarch64 | arm64) arch=aarch64 ;;
    *) die "there is no agent for $(uname -m)" ;;
    esac
    case $master in
    tls://* | https://*) choose "$arch-$os-tls" ;;
    *) choose "$arch-$os" ;;
    esac

    if [ -n "${WINDLASS_DIR:-}" ]; then dir=$WINDLASS_DIR
    elif [ "$(id -u)" = 0 ]; then dir=/opt/windlass-agent
    else dir=${XDG_DATA_HOME:-$HOME/.local/share}/windlass-agent/program
    fi
    mkdir -p "$dir"
    program=$dir/windlass-agent
    part=$dir/part.$$
    trap 'rm -f "$part"' EXIT
    say "fetching $file"
    fetch '{{ facts.url }}/agent/bin/'"$file" "$part"
    found=$(sum_of "$part")
    [ "${found%% *}" = "$sum" ] || die "$file came damaged: its SHA-256 is ${found%% *}, not $sum"
    chmod 755 "$part"
    mv -f "$part" "$program"

    printf '%s\n' "$token" |
        "$program" enroll --token - --master "$master" --name "$name" ${config:+--config "$config"} "$@"
    start
}

# Nothing runs before the last line is here, so a cut download does nothing.
main "$@"
