#!/bin/sh
# Make .venv from the lock on a machine that has only Python, pip and make. Usage: bootstrap.sh runtime|dev
# uv is fetched first, into a folder of this checkout: it needs neither ensurepip nor a writable system Python,
# and installs in seconds what takes pip a minute.
set -eu
cd "$(dirname "$0")"
lock="requirements/$1.txt"
stamp=".venv/.installed-$1"
if [ -f "$stamp" ] && cmp -s "$lock" "$stamp" && [ -x .venv/bin/gongshi ]; then exit 0; fi

PYTHON="${PYTHON:-python3}"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Gongshi needs Python 3.11 or newer; '$PYTHON' is $("$PYTHON" -V 2>&1). Set PYTHON=/path/to/python3.11." >&2
    exit 2
}
echo "==> Installing the installer (uv) into .tools"
[ -x .tools/bin/uv ] || "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --target .tools \
    --require-hashes -r requirements/bootstrap.txt

# uv does not read pip's configuration: pass on the index a site has set there.
if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
    index="${PIP_INDEX_URL:-$("$PYTHON" -m pip config get global.index-url 2>/dev/null || true)}"
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi
export UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 UV_SYSTEM_CERTS=true
echo "==> Making .venv with $("$PYTHON" -V)"
[ -x .venv/bin/python ] || .tools/bin/uv venv --quiet --python "$("$PYTHON" -c 'import sys; print(sys.executable)')" .venv
echo "==> Installing $lock ($(grep -c '==' "$lock") packages, hashes checked)"
# Compiled now: every process starts faster, and Whoosh's old spelling warns nobody at its first import.
.tools/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r "$lock"
.tools/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline -e .
cp "$lock" "$stamp"
