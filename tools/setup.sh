#!/bin/sh
# Sets up what `make demo` and `make test` need, inside this folder alone: the virtual environment in .venv
# and, where the machine lacks them, the server programs unpacked into .servers. Nothing is installed on the
# system and no service is started or changed. Safe to run again: what is there already is left as it is.
#
#   tools/setup.sh [--with-browser | --with-peers]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
unpacked=$root/.servers/root

say() { printf '%s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

has() { # has NAME...: one of the programs is on PATH, in an sbin folder, or unpacked here
    for name in "$@"; do
        PATH="$PATH:/usr/sbin:/usr/local/sbin:$unpacked/usr/sbin:$unpacked/usr/bin" command -v "$name" >/dev/null && return 0
    done
    return 1
}

# apt works on a state folder of its own: no root, no lock, no change to the system.
open_apt() {
    state=$root/.servers/apt
    rm -rf "$state/archives"
    mkdir -p "$state/lists/partial" "$state/archives/partial" "$unpacked"
    {
        printf 'Dir::State::Lists "%s/lists";\nDir::Cache::Archives "%s/archives";\n' "$state" "$state"
        printf 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDebug::NoLocking "true";\n'
        printf 'APT::Sandbox::User "%s";\n' "$(id -un)"
    } >"$state/apt.conf"
    export APT_CONFIG="$state/apt.conf"
    say "Reading apt's package lists, into .servers"
    apt-get -qq update >"$state/log" 2>&1 || {
        say "$(tail -n 1 "$state/log")"
        return 1
    }
}

# unpack NAME...: fetch Debian packages, with those that they need and the machine lacks, into .servers.
unpack() {
    set -- -qq --download-only --no-install-recommends -y install "$@"
    apt-get --print-uris "$@" >"$state/uris" 2>"$state/log" || return 1
    say "About to fetch $(awk '{ n++; bytes += $3 } END { printf "%d packages, %.0f MB", n, bytes / 1e6 }' "$state/uris") and unpack them into .servers; nothing is installed on the system"
    if [ -t 0 ] && [ -t 1 ] && [ -z "${CI:-}" ]; then
        printf 'Go on? [y/N] '
        read -r answer
        case $answer in [yY]*) ;; *) die "stopped; nothing was changed" ;; esac
    fi
    apt-get "$@" >"$state/log" 2>&1 || return 1
    for archive in "$state"/archives/*.deb; do
        [ ! -e "$archive" ] || dpkg-deb -x "$archive" "$unpacked" || return 1
    done
    rm -f "$state"/archives/*.deb
}

# The browser is started through a wrapper on the virtual environment's path, for it looks for its parts in /usr.
wrap_browser() {
    cat >.venv/bin/chromium <<EOF
#!/bin/sh
here='$(printf '%s' "$unpacked" | sed "s/'/'\\\\''/g")'
libraries=\$(printf '%s:' "\$here"/usr/lib/*-linux-* "\$here"/usr/lib/*-linux-*/*/ "\$here"/lib/*-linux-*)
export LD_LIBRARY_PATH="\$libraries" FONTCONFIG_PATH="\$here/etc/fonts" XDG_DATA_DIRS="\$here/usr/share:/usr/share"
exec "\$here/usr/lib/chromium/chromium" "\$@"
EOF
    chmod +x .venv/bin/chromium
}

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if has "$candidate" && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || die "Python 3.11 or newer is needed, for example with: apt-get install python3"

missing=
has haproxy || missing="$missing haproxy"
has mariadbd || missing="$missing mariadb-server-core"
# Debian's redis-tools holds the server: under the name of a tool that is the same program.
has redis-server redis-check-rdb || missing="$missing redis-tools"
if [ ! -x .venv/bin/python ] && ! "$python" -c 'import ensurepip' 2>/dev/null; then
    ls .servers/root/usr/share/python-wheels/pip-*.whl >/dev/null 2>&1 || missing="$missing python3-pip-whl"
fi
if [ -n "$missing" ]; then
    say "This machine lacks:$missing"
    if has apt-get && has dpkg-deb; then
        open_apt || die "apt-get update failed: is the package registry reachable?"
        # shellcheck disable=SC2086 # a list of package names
        unpack $missing || die "apt could not fetch$missing: $(tail -n 1 "$state/log")"
        missing=
    else
        # Without servers a machine can still aim at others, or run them in containers: .venv is made all the same.
        case $missing in
        *python3-pip-whl*) die "there is no apt here, and $python has no ensurepip: name a Python that has it in PYTHON" ;;
        esac
    fi
fi

stamp=.venv/made-from
wanted="$(cksum <requirements.lock) $root"
if [ ! -x .venv/bin/python ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "Making the virtual environment in .venv: $(grep -c '^[a-z0-9].*==' requirements.lock) packages from requirements.lock, about 200 MB"
    .venv/bin/python -c '' 2>/dev/null || { rm -rf .venv && "$python" -m venv --without-pip .venv; }
    if .venv/bin/python -c 'import ensurepip' 2>/dev/null; then
        .venv/bin/python -m ensurepip >/dev/null
        set -- .venv/bin/python -m pip
    else
        set -- .venv/bin/python "$(ls .servers/root/usr/share/python-wheels/pip-*.whl | tail -n 1)/pip"
    fi
    "$@" install -q --disable-pip-version-check --no-input --require-hashes -r requirements.lock
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # The checkout itself is importable, and `harness` a command, without a build.
    printf '%s\n' "$root" >"$packages/harness-checkout.pth"
    {
        printf '#!/bin/sh\n# The checkout that this environment was made in.\n'
        printf 'here=$(cd "$(dirname "$0")/../.." && pwd)\nexec "$here/.venv/bin/python" "$here/harness.py" "$@"\n'
    } >.venv/bin/harness
    chmod +x .venv/bin/harness
    printf '%s\n' "$wanted" >"$stamp"
fi
[ -z "$missing" ] || die "the virtual environment is there, the servers are not, and there is no apt: install them with 'brew install haproxy mariadb redis' or 'dnf install haproxy mariadb-server redis', or run the stack in containers: .venv/bin/harness up --compose"

if [ "${1:-}" = --with-browser ] && ! has chromium chromium-browser google-chrome && [ ! -x .venv/bin/chromium ]; then
    say "Tests look at pages in Chromium, which this machine lacks"
    if has apt-get && open_apt && unpack chromium fonts-dejavu-core; then
        wrap_browser
    else
        say "It could not be had: the tests that need it are skipped"
    fi
fi

# The peers of `make bench`. One that cannot be had is left out there, with the reason.
if [ "${1:-}" = --with-peers ]; then
    missing=
    for peer in wrk hey sysbench; do
        has "$peer" || missing="$missing $peer"
    done
    has redis-benchmark || missing="$missing redis-tools"
    if [ -n "$missing" ]; then
        say "The benchmark's peers that this machine lacks:$missing"
        # shellcheck disable=SC2086 # a list of package names
        { has apt-get && open_apt && unpack $missing; } || say "They could not be had, and are left out"
    fi
    node=.servers/node
    if ! has autocannon && [ "$(cksum <benchmarks/package-lock.json)" != "$(cat "$node/made-from" 2>/dev/null)" ]; then
        if has npm; then
            say "Fetching autocannon from npm, into .servers"
            mkdir -p "$node"
            cp benchmarks/package.json benchmarks/package-lock.json "$node/"
            if (cd "$node" && npm ci --no-audit --no-fund --ignore-scripts >log 2>&1); then
                cksum <benchmarks/package-lock.json >"$node/made-from"
            else
                say "It could not be had, and is left out: $(head -n 1 "$node/log")"
            fi
        else
            say "autocannon needs npm, which is not on this machine: it is left out"
        fi
    fi
fi
