"""What a recipient does with a package: check that it is genuine, which needs no home, no database and no network; and
what it checks with: the court's public key."""

from __future__ import annotations

from pathlib import Path

import click

from gongshi.cli import fail
from gongshi.commands.common import as_json, command, open_court, report, world
from notifier.exports.checking import ExportVerdict, check_export, is_export
from notifier.package.checking import NotAPackage, Verdict, check_package
from notifier.package.edition import chinese_date, flatten
from notifier.package.names import MANIFEST
from notifier.signing import ALGORITHM, KEY_FILE, SigningKeyError, open_signing_key, open_verify_key
from search_index.day import day_of


@click.group(short_help="核对收到的名单包；显示本院的签名公钥。")
def package() -> None:
    """核对收到的名单包；显示本院的签名公钥。"""


@package.command("verify", short_help="核对名单包的签名和每个文件。")
@click.argument("folder", type=click.Path(path_type=Path), metavar="目录")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="文件",
    help="法院另行告知的公钥（PEM）；不给的，用名单包里的公钥。",
)
@as_json
@command
def verify(folder: Path, key: Path | None, as_json: bool) -> int:
    """核对一个名单包，或者 gongshi export 的一次导出：清单的签名、每个文件的校验值、有没有缺少或者多出的文件。

    不给 --key 的，只能说明名单包没有被改动，是不是法院发出的，要把显示的公钥指纹同法院另行告知的核对。
    """
    if not folder.is_dir():
        return fail("没有这个目录", "not_a_package", as_json, end="未核对")
    try:
        court_key = open_verify_key(key) if key else None
        names = frozenset(path.name for path in folder.iterdir())
        check = check_export if is_export(_read(folder / MANIFEST)) else check_package
        verdict = check(names, lambda name: _read(folder / name), key=court_key, today=day_of(world().now()))
    except (NotAPackage, SigningKeyError) as error:
        return fail(str(error), "not_a_package", as_json, end="未核对")
    report(as_json, verdict.as_json(), _describe(verdict))
    return 1 if verdict.problems else 0


@package.command("key", short_help="显示本院的签名公钥和指纹，供告知接收单位。")
@as_json
@command
def key(as_json: bool) -> int:
    """显示本院签名用的公钥（PEM）和指纹。

    名单包里也有这把公钥，但不能证明自己：请用电话、公函等另一条途径把指纹告知接收单位，由其核对。
    """
    court = open_court()
    try:
        public = open_signing_key(court.settings.notifier / KEY_FILE).public
    except SigningKeyError as error:
        return fail(str(error), "signing_key", as_json)
    pem = public.pem.decode()
    found = {"algorithm": ALGORITHM, "public_key": pem, "public_key_sha256": public.fingerprint}
    report(as_json, found, f"公钥指纹（SHA-256）：{public.fingerprint}\n{pem.rstrip()}")
    return 0


def _read(path: Path) -> bytes:
    # What only stands in for a file (a link, a folder, a pipe) has no content of the package's.
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def _describe(verdict: Verdict | ExportVerdict) -> str:
    training = "（演练数据，不得使用）" if verdict.training else ""
    lines = [f"{_name(verdict)}{training}"]
    lines += [f"有问题：{flatten(problem.file)}：{problem.problem}" for problem in verdict.problems]
    if not verdict.problems:
        lines.append("签名和全部文件的校验值相符")
    if verdict.fingerprint:
        lines.append(f"公钥指纹（SHA-256）：{verdict.fingerprint}")
        if not verdict.trusted:
            lines.append("公钥取自名单包本身：请与法院另行告知的指纹核对，一致的方可采信")
    last = chinese_date(verdict.last_day_of_use)
    lines.append(f"已过最后使用日{last}，不得再使用" if verdict.expired else f"最后使用日{last}")
    return "\n".join(lines)


def _name(verdict: Verdict | ExportVerdict) -> str:
    if isinstance(verdict, Verdict):
        return f"{flatten(verdict.period)}名单，第{verdict.revision}次修订，{verdict.entries}条"
    title = flatten(verdict.title)
    if verdict.since is None:
        return f"供{title}的全量导出，截至公开序号{verdict.sequence}，{verdict.entries}条"
    span = f"公开序号{verdict.since}之后、至{verdict.sequence}"
    return f"供{title}的增量导出，{span}，{verdict.entries}条，退出{verdict.departures}条"
