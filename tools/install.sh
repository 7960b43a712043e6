#!/bin/sh
# Unpacks a release of Gongshi into /opt/gongshi/releases, without internet. Run as root on Debian 12. Safe to repeat.
# What it says is Chinese, as the product.
set -eu
cd "$(dirname "$0")"
top=/opt/gongshi

refuse() {
    echo "未安装：$1" >&2
    exit 2
}

[ "$(id -u)" = 0 ] || refuse "请以 root 运行"
version="$(cat VERSION)"
case "$version" in *[!0-9A-Za-z.+-]* | "") refuse "VERSION 文件不对，安装包不完整" ;; esac
[ "$(. /etc/os-release && echo "${ID:-}${VERSION_ID:-}")" = debian12 ] || [ "${GONGSHI_ANY_SYSTEM:-}" = yes ] ||
    refuse "本机不是 Debian 12（一定要装的，先设 GONGSHI_ANY_SYSTEM=yes）"
command -v python3 >/dev/null || refuse "没有 python3：请先 apt-get install python3"
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || refuse "需要 Python 3.11，本机是 $(python3 -V)"
for program in nginx systemd-sysusers systemd-tmpfiles runuser; do
    command -v "$program" >/dev/null || refuse "没有 $program：请先 apt-get install nginx-light systemd"
done
free="$(df -Pk /opt | awk 'NR==2 {print $4}')"
[ "$free" -ge 1000000 ] || refuse "/opt 所在磁盘的空间不足 1 GB"

echo "==> 核对文件"
sha256sum --quiet --strict -c SHA256SUMS >&2 || refuse "有文件与 SHA256SUMS 不符：安装包损坏或被改动，请重新取得"
[ "$(find . ! -type d ! -name SHA256SUMS | wc -l)" = "$(wc -l <SHA256SUMS)" ] || refuse "安装包里多了 SHA256SUMS 没有列出的文件"

echo "==> 建立用户和组"
install -D -m 644 deploy/sysusers.conf /etc/sysusers.d/gongshi.conf
systemd-sysusers /etc/sysusers.d/gongshi.conf

release="$top/releases/$version"
if [ -e "$release/.complete" ] && cmp -s SHA256SUMS "$release/.complete"; then
    echo "==> $release 已经装好"
else
    # A release that is in use is never changed under its processes.
    [ "$(readlink "$top/current" 2>/dev/null)" != "releases/$version" ] ||
        refuse "正在使用的 $version 与这个安装包的内容不同：版本号相同、内容不同的安装包不能覆盖"
    echo "==> 安装到 $release"
    rm -rf "$release"
    mkdir -p -m 755 "$release"
    cp -R deploy docs VERSION LICENSE CHANGELOG.md "$release/"
    chmod -R u=rwX,go=rX "$release"
    tools="$(mktemp -d)"
    trap 'rm -rf "$tools"' EXIT
    python3 -m zipfile -e wheels/uv-*.whl "$tools"
    uv="$(echo "$tools"/uv-*.data/scripts/uv)"
    chmod 755 "$uv"
    export UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1 UV_CACHE_DIR="$tools/cache" UV_LINK_MODE=copy UV_OFFLINE=1
    umask 022
    "$uv" venv --quiet --python "$(command -v python3)" "$release/venv"
    set -- pip install --quiet --python "$release/venv/bin/python" --no-index --find-links wheels
    "$uv" "$@" --compile-bytecode --require-hashes -r requirements.txt
    "$uv" "$@" --compile-bytecode --no-deps "gongshi==$version"
    cp SHA256SUMS "$release/.complete"
fi

install -D -m 755 deploy/gongshi /usr/local/bin/gongshi
if [ -e "$top/current" ]; then
    [ "$(readlink "$top/current")" = "releases/$version" ] ||
        echo "==> 已有旧版本在使用。接着运行：gongshi upgrade"
else
    ln -s "releases/$version" "$top/current"
    echo "==> 已安装 $version。接着运行：gongshi setup"
fi
