#!/bin/sh
# Makes or reuses an environment and installs hilum with the extras given:  tools/bootstrap.sh [--venv DIR] [EXTRAS]
# Uses uv if it is there and pip if not, honours pip's find-links and index, and needs no network beyond the install.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
if [ "${1:-}" = "--venv" ]; then
    venv=$2
    shift 2
fi
extras=${1:-}
python=${PYTHON:-python3}

if [ ! -x "$venv/bin/python" ]; then
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
        echo "hilum needs Python 3.11 to 3.13, and '$python' is $("$python" --version 2>&1)." >&2
        echo "Name another one: make PYTHON=python3.12 ..." >&2
        exit 2
    }
    "$python" -m venv "$venv"
fi

want=$(cat pyproject.toml constraints.txt | "$venv/bin/python" -c \
    'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
stamp="$venv/.hilum-$(echo "$extras" | tr ',' '-')"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi

target=.
[ -z "$extras" ] || target=".[$extras]"
echo "Installing hilum${extras:+ with $extras} into $venv ..."
if command -v uv >/dev/null 2>&1; then
    # uv does not read pip's configuration: pass on where wheels and indexes are.
    links=${PIP_FIND_LINKS:-$("$venv/bin/python" -m pip config get global.find-links 2>/dev/null || true)}
    [ -z "$links" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-$(echo "$links" | tr ' ' ',')}"
    index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
    uv pip install --quiet --python "$venv/bin/python" -c constraints.txt -e "$target"
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$target"
fi || {
    echo "The install failed: see the message above. Nothing was run." >&2
    exit 1
}
echo "$want" >"$stamp"
