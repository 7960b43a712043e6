#!/bin/sh
# One file that installs Gongshi on a Debian 12 without internet: wheels of the lock (hashes checked), our own, and deploy/.
# Usage: tools/make_bundle.sh [FOLDER], in a checkout with .venv. ARCH=aarch64 makes it for that machine.
set -eu
cd "$(dirname "$0")/.."
out="$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)"
arch="${ARCH:-$(uname -m)}"
PYTHON="${PYTHON:-python3}"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)"
name="gongshi-$version-$arch"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
bundle="$work/$name"
mkdir -p "$bundle/wheels" "$bundle/docs" "$work/source"

echo "==> Fetching $(grep -c '==' requirements/runtime.txt) packages for Python 3.11 on $arch, hashes checked"
platforms=""
minor=5
while [ "$minor" -le 36 ]; do
    platforms="$platforms --platform manylinux_2_${minor}_$arch"
    minor=$((minor + 1))
done
for lock in runtime bootstrap; do
    # shellcheck disable=SC2086  # one word each
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
        --platform "manylinux1_$arch" --platform "manylinux2010_$arch" --platform "manylinux2014_$arch" $platforms \
        --dest "$bundle/wheels" -r "requirements/$lock.txt"
done

echo "==> Making our own wheel"
tar --exclude=__pycache__ --exclude='*.egg-info' -cf - pyproject.toml README.md LICENSE \
    gongshi notifier portal registry search_index static | tar -xf - -C "$work/source"
.tools/bin/uv build --quiet --wheel --no-build-isolation --offline --python .venv/bin/python \
    --out-dir "$work/ours" "$work/source"
cp "$work/ours"/*.whl "$bundle/wheels/"

cp -R deploy "$bundle/deploy"
cp requirements/runtime.txt "$bundle/requirements.txt"
cp docs/operations.md "$bundle/docs/"
cp LICENSE CHANGELOG.md "$bundle/"
cp tools/install.sh "$bundle/install.sh"
chmod 755 "$bundle/install.sh"
echo "$version" >"$bundle/VERSION"
(cd "$bundle" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -C "$work" -cf - "$name" |
    gzip -9n >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
