#!/bin/sh
# Sets up what `make demo` and `make test` need, inside this folder alone: the virtual environment in .venv
# and, where the machine lacks them, the server programs unpacked into .servers. Nothing is installed on the
# system and no service is started or changed. Safe to run again: what is there already is left as it is.
#
#   tools/setup.sh [--with-browser]
set -eu
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '%s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Unpack Debian packages, with those that they need and the machine lacks, into .servers/root.
# apt works on a state folder of its own: no root, no lock, no change to the system.
unpack() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die \
        "missing: $*. Install them with 'brew install haproxy mariadb redis' or 'dnf install haproxy mariadb-server redis', or run the stack in containers: docker compose up"
    state=$root/.servers/apt
    mkdir -p "$state/lists/partial" "$state/archives/partial" "$root/.servers/root"
    # A relative path in apt's own quoting: folder names may hold spaces.
    printf 'Dir::State::Lists "%s/lists";\nDir::Cache::Archives "%s/archives";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDebug::NoLocking "true";\nAPT::Sandbox::User "%s";\nAPT::Get::List-Cleanup "false";\n' \
        "$state" "$state" "$(id -un)" >"$state/apt.conf"
    export APT_CONFIG="$state/apt.conf"
    say "About to fetch with apt, and unpack into .servers (nothing is installed on the system): $*"
    if [ -t 0 ] && [ -t 1 ] && [ -z "${CI:-}" ]; then
        printf 'Go on? [Y/n] '
        read -r answer
        case $answer in [nN]*) die "stopped; nothing was changed" ;; esac
    fi
    apt-get -qq update || die "apt-get update failed: is the package registry reachable?"
    apt-get -qq install --download-only --no-install-recommends -y "$@" >"$state/log" 2>&1 \
        || die "apt could not fetch $*: $(tail -n 1 "$state/log")"
    for package in "$@"; do
        # A package that is installed already has nothing to download: its files are on the system.
        ls "$state/archives/${package}_"*.deb >/dev/null 2>&1 || dpkg -s "$package" >/dev/null 2>&1 || die "apt fetched no $package"
    done
    for archive in "$state"/archives/*.deb; do
        [ -e "$archive" ] || continue
        say "  $(basename "$archive" .deb)"
        dpkg-deb -x "$archive" "$root/.servers/root"
    done
    rm -rf "$state/archives"
    unset APT_CONFIG
}

has() { # has NAME...: one of the programs is on PATH, in an sbin folder, or unpacked here
    for name in "$@"; do
        for folder in $(printf '%s' "$PATH" | tr ':' ' ') /usr/sbin /usr/local/sbin; do
            [ -x "$folder/$name" ] && return 0
        done
        [ -x "$root/.servers/root/usr/sbin/$name" ] || [ -x "$root/.servers/root/usr/bin/$name" ] && return 0
    done
    return 1
}

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || die "Python 3.11 or newer is needed: apt-get install python3"

missing=
has haproxy || missing="$missing haproxy"
has mariadbd || missing="$missing mariadb-server-core"
has redis-server redis-check-rdb || missing="$missing redis-tools"
if [ "${1:-}" = --with-browser ]; then
    has chromium google-chrome chromium-browser || missing="$missing chromium"
fi
[ -x .venv/bin/python ] || "$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-pip-whl"
# shellcheck disable=SC2086 # a list of package names
[ -z "$missing" ] || unpack $missing

stamp=.venv/made-from
wanted=$(cksum <requirements.lock)
if [ ! -x .venv/bin/python ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "Making the virtual environment in .venv from requirements.lock"
    if [ ! -x .venv/bin/python ]; then
        "$python" -m venv --without-pip .venv
    fi
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        .venv/bin/python -m ensurepip >/dev/null
        .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
    else
        wheel=$(ls .servers/root/usr/share/python-wheels/pip-*.whl | head -n 1)
        .venv/bin/python "$wheel/pip" install -q --disable-pip-version-check --require-hashes -r requirements.lock
    fi
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # The checkout itself is importable, and `harness` a command, without a build.
    printf '%s\n' "$root" >"$packages/harness-checkout.pth"
    printf '#!/bin/sh\nexec "%s/.venv/bin/python" "%s/harness.py" "$@"\n' "$root" "$root" >.venv/bin/harness
    chmod +x .venv/bin/harness
    printf '%s\n' "$wanted" >"$stamp"
fi
