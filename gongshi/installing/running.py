"""Bringing an installation to life: users, folders, certificates, the home, and the units. By root, each step safe to
repeat."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gongshi.installing.answers import Answers, Recipient, Side, Tls
from gongshi.installing.certificates import covers, make_certificate
from gongshi.installing.composing import HOME, INCOMING, OWN_TLS, enabled_units
from gongshi.installing.sharing import share_home
from gongshi.installing.writing import write_file
from gongshi.safety.closed import is_closed
from notifier.recipients import SANDBOX

PROGRAM = "/usr/local/bin/gongshi"
_SYSTEMD = Path("/run/systemd/system")
_PROFILE = ("court", "telephone", "address", "privacy_contact", "policy")
_PATIENCE = 600  # seconds: the first `init` makes the databases
_ACME = 300
_SHOWN_LINES = 3


class StepFailed(Exception):
    """A step of the installation that could not be done: one Chinese line that says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step has to tell the administrator; `serious`: something is left to do."""

    text: str
    serious: bool = False


def prepare_machine(answers: Answers) -> Iterator[Done]:
    """Users, groups and folders, and mend owners in the home. Raises StepFailed."""
    _call("建立用户和组", "systemd-sysusers", "/etc/sysusers.d/gongshi.conf")
    _call("建立目录", "systemd-tmpfiles", "--create", "/etc/tmpfiles.d/gongshi.conf")
    # Where only files come in, one user has the home, and what the portal drops.
    mended = share_home(Path(HOME)) if answers.side is Side.WHOLE else 0
    yield Done(f"用户、组和目录已就绪{f'，数据目录中改正了 {mended} 处权限' if mended else ''}")


def prepare_certificates(answers: Answers, now: datetime) -> Iterator[Done]:
    """The certificates that nobody else gives. Raises StepFailed."""
    if answers.tls is Tls.OWN:
        for path in (answers.certificate, answers.certificate_key):
            if not Path(path).is_file():
                raise StepFailed(f"没有证书文件 {path}：请放好后再运行 gongshi setup")
    if answers.makes_inner_certificate:
        yield from _make(Path(OWN_TLS, "inner"), answers.inner_names, now)
    if answers.tls is Tls.ACME and not Path(OWN_TLS, "public.crt").exists():
        # nginx does not start without one, and the authority asks through nginx.
        yield from _make(Path(OWN_TLS, "public"), answers.outer_names, now)


def _make(path: Path, names: Sequence[str], now: datetime) -> Iterator[Done]:
    certificate = path.with_suffix(".crt")
    if certificate.exists() and covers(certificate.read_bytes(), names, now):
        return
    made = make_certificate(names, now)
    write_file(path.with_suffix(".key"), made.key, 0o600)
    write_file(certificate, made.certificate, 0o644)
    yield Done(f"已为 {'、'.join(names)} 生成证书，首次访问时请核对 SHA-256 指纹 {made.fingerprint}")


def found_home(answers: Answers, previous: Answers | None, password: str) -> Iterator[Done]:
    """The home, the first administrator, the court's profile and the first recipients. Raises StepFailed."""
    if answers.side is Side.PUBLIC:
        _ask("journal", "init", *(["--one-way"] if answers.one_way == "yes" else []))
        yield Done(f"数据目录 {HOME} 已就绪，法院送来的文件放进 {INCOMING}")
        return
    if is_closed(Path(HOME)):
        yield Done(f"数据目录 {HOME} 正从备份恢复，没有改动")
        return
    # The key is the last that is made of a home. One that is there already is brought forward by `upgrade` alone.
    new = not Path(HOME, "registry/keys/master.key").exists()
    if new:
        _ask("init")
    yield Done(f"数据目录 {HOME} {'已建立' if new else '已经存在'}")
    if not _ask("user", "list")["users"]:
        _ask("user", "add", answers.administrator, "--role", "admin", typed=password)
        yield Done(f"已增加系统管理员“{answers.administrator}”，登录内部页面后须先修改口令")
    if changed := _changes(answers, None if new else previous):
        pairs = [word for key in changed for word in ("--set", f"{key}={getattr(answers, key)}")]
        _ask("profile", *pairs, "--as", answers.administrator)
        yield Done("法院信息已设置")
    # Those of the sandbox give way to the first real one.
    known = {one["slug"] for one in _ask("recipient", "list")["recipients"] if one["channel"] != SANDBOX}
    for one in answers.recipients:
        if one.slug not in known:
            yield Done(_enrol(one, answers.administrator))


def _changes(answers: Answers, previous: Answers | None) -> list[str]:
    """What of the profile was answered otherwise than the last time: the rest may have been set since in another way."""
    return [
        key
        for key in _PROFILE
        if getattr(answers, key) and (previous is None or getattr(previous, key) != getattr(answers, key))
    ]


def _enrol(one: Recipient, actor: str) -> str:
    options = {
        "--name": one.name,
        "--kind": one.kind,
        "--channel": one.channel,
        "--address": one.address,
        "--liaison-name": one.liaison_name,
        "--liaison-mail": one.liaison_mail,
    }
    words = [word for name, value in options.items() if value for word in (name, value)]
    found = _ask("recipient", "add", one.slug, *words, "--as", actor)
    shown = [f"{label}（只显示这一次）：{found[key]}" for key, label in _SHOWN.items() if found.get(key)]
    return "；".join([f"已登记接收单位“{one.name}”", *shown])


_SHOWN = {"secret": "签名密钥", "token": "领取令牌"}


def start(answers: Answers) -> Iterator[Done]:
    """The web server and the units. Raises StepFailed."""
    _call("检查 nginx 设置", "nginx", "-t", "-q")
    if not _SYSTEMD.is_dir():
        yield Done("本机没有运行 systemd：文件都已写好，没有启动任何进程", serious=True)
        return
    units = enabled_units(answers)
    _call("读取单元文件", "systemctl", "daemon-reload")
    _call("应用日志设置", "systemctl", "restart", "systemd-journald")
    _call("启动公示系统", "systemctl", "enable", "--quiet", *units)
    # Also those that run already: settings are read at the start.
    _call("启动公示系统", "systemctl", "restart", *units)
    _call("启动 nginx", "systemctl", "enable", "--quiet", "nginx")
    _call("启动 nginx", "systemctl", "reload-or-restart", "nginx")
    yield Done(f"已启动：{'、'.join(units)}")
    if answers.tls is Tls.ACME:
        yield _ask_authority(answers)


def _ask_authority(answers: Answers) -> Done:
    names = [word for name in answers.outer_names for word in ("-d", name)]
    hook = "/opt/gongshi/current/deploy/certificate-renewed"
    words = ["certonly", "--webroot", "-w", "/var/lib/gongshi-acme", "--cert-name", "gongshi", "--non-interactive"]
    words += ["--agree-tos", "--keep-until-expiring", "-m", answers.acme_mail, "--deploy-hook", hook, *names]
    try:
        _call("申请证书", "certbot", *words, patience=_ACME)
    except StepFailed as error:
        return Done(f"{error}；在此之前网站用自行生成的证书。安装 certbot（apt-get install certbot）、"
                    "确认域名已指向本机后，再运行 gongshi setup", serious=True)  # fmt: skip
    return Done("证书已申请，到期前由 certbot 自动更换")


def _ask(*words: str, typed: str = "") -> dict[str, Any]:
    """The JSON object of a command of ours, as an administrator would give it by hand. Raises StepFailed."""
    done = _run((PROGRAM, *words, "--json"), typed, _PATIENCE)
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        found = {}
    if done.returncode != 0 or not isinstance(found, dict):
        # What it says is written for administrators, and holds nobody's number.
        said = str(found.get("error") or done.stderr.strip().rpartition("\n")[2] or f"退出码 {done.returncode}")
        raise StepFailed(f"gongshi {words[0]} 没有办成：{said}")
    return found


def _call(what: str, *words: str, patience: int = _PATIENCE) -> None:
    done = _run(words, "", patience)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[:_SHOWN_LINES]
        raise StepFailed(f"{what}没有办成（{words[0]}）：{'；'.join(lines) or f'退出码 {done.returncode}'}")


def _run(words: Sequence[str], typed: str, patience: int) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(  # noqa: S603  # words of our own, no shell
            words, input=f"{typed}\n", capture_output=True, text=True, timeout=patience, env=environ, check=False, cwd="/"
        )  # fmt: skip
    except FileNotFoundError:
        raise StepFailed(f"没有程序 {words[0]}：请先安装它（apt-get install …），再运行 gongshi setup") from None
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{words[0]} 超过 {patience} 秒没有结束") from None
