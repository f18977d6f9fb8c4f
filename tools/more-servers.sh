#!/bin/sh
# Fetches what Debian's stable release lacks: MySQL 9, for `--set db.server=mysql`, and nginx, for the tests.
# Both come from Debian unstable with the C library they were built for, and are unpacked into .servers/more:
# nothing is installed on the system and no service is started. Safe to run again: it ends at once when there.
set -eu
umask 022
cd "$(dirname "$0")/.."
more=$PWD/.servers/more
wanted="mysql-server-core nginx"

die() { printf 'more-servers: %s\n' "$*" >&2; exit 1; }

mkdir -p .servers
exec 9>.servers/more.lock
flock 9 # two test runs fetch it once
[ "$(cat "$more/complete" 2>/dev/null)" != "$wanted" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "there is no apt here"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keys" ] || die "this is no Debian: its archive's keys are not in $keys"
# The archive that this machine's own apt uses, whichever mirror that is.
archive=$(apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' |
    awk '$1 == "main" && $2 !~ /security/ && $3 ~ /\/debian\/$/ { print $3; exit }')
[ -n "$archive" ] || die "no Debian archive is among this machine's apt sources"

rm -rf "$more"
state=$more/apt
mkdir -p "$state/lists/partial" "$state/archives/partial" "$more/root"
: >"$state/status" # empty: whatever the machine has is of another release, so all that is needed is fetched
printf 'deb [signed-by=%s] %s sid main\n' "$keys" "$archive" >"$state/sources.list"
{
    printf 'Dir::State "%s";\nDir::State::status "%s/status";\nDir::State::Lists "%s/lists";\n' "$state" "$state" "$state"
    printf 'Dir::Cache::Archives "%s/archives";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n' "$state"
    printf 'Dir::Etc::SourceList "%s/sources.list";\nDir::Etc::SourceParts "/dev/null";\n' "$state"
    printf 'Debug::NoLocking "true";\nAPT::Sandbox::User "%s";\nAPT::Install-Recommends "false";\n' "$(id -un)"
    printf 'Acquire::Languages "none";\n'
} >"$state/apt.conf"
export APT_CONFIG="$state/apt.conf"
printf "Reading the package list of Debian unstable, into .servers\n"
apt-get -qq update >"$state/log" 2>&1 || die "$(tail -n 1 "$state/log")"
# shellcheck disable=SC2086 # a list of package names
set -- -qq --download-only -y install $wanted
apt-get --print-uris "$@" >"$state/uris" 2>"$state/log" || die "$(tail -n 1 "$state/log")"
awk '{ n++; bytes += $3 } END { printf "Fetching %d packages, %.0f MB, and unpacking them into .servers\n", n, bytes / 1e6 }' "$state/uris"
apt-get "$@" >"$state/log" 2>&1 || die "$(tail -n 1 "$state/log")"
for package in "$state"/archives/*.deb; do
    dpkg-deb -x "$package" "$more/root" || die "$package cannot be unpacked"
done
rm -rf "$state"
printf '%s\n' "$wanted" >"$more/complete"
