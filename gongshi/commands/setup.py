"""Installing on a machine: questions, files, users, the home, the units."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gongshi.cli import fail
from gongshi.clock import World
from gongshi.commands.common import as_json, command, report
from gongshi.installing.answers import LABELS, Answers, BadAnswer, Side, read_answers, write_answers
from gongshi.installing.asking import ask
from gongshi.installing.composing import ANSWERS_FILE, INCOMING, compose, environment, secrets
from gongshi.installing.running import Done, StepFailed, found_home, prepare_certificates, prepare_machine, start
from gongshi.installing.writing import Fate, Step, TemplatesMissing, plan, read_templates, write, write_file
from gongshi.settings import BadSetting, read_settings
from notifier.institutions.settings import BadInstitutionSetting, read_institution_settings
from registry.policy import packaged_policies
from search_index.journal_file import read_keys

# What the home was told of the answers, as the file of the answers has them.
_TOLD = "/etc/gongshi/.told.toml"
_PROVIDERS = "/etc/gongshi/providers.env"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_NOT_PROPOSED = ("recipients", "administrator_password", "smtp_url")
_EXPECTED = (BadAnswer, BadInstitutionSetting, StepFailed, TemplatesMissing)


@click.command(short_help="在本机安装：设置、用户、服务、网站、备份（可重复）。")
@click.option("--answers", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="文件",
              help="不提问，从回答文件读取，格式见 docs/operations.md。")  # fmt: skip
@click.option("--root", type=click.Path(file_okay=False, path_type=Path), default=Path("/"), metavar="目录",
              help="只把文件写到这个目录之下（制作镜像用），不建立数据目录，不启动服务。")  # fmt: skip
@click.option("--check", is_flag=True, help="只说明会改动什么，什么都不写。")
@click.option("--without-home", is_flag=True, help="不建立数据目录，不启动服务：随后从备份恢复。")
@as_json
@command
def setup(file: Path | None, root: Path, check: bool, without_home: bool, as_json: bool) -> int:
    """在本机安装公示系统。可以重复运行：手工改过的文件保留不动，新的写在旁边，名称加“.new”。"""
    try:
        return _set_up(file, root, check=check, without_home=without_home, machine=as_json)
    except _EXPECTED as error:
        return fail(str(error), None, as_json, end="未安装")


def _set_up(file: Path | None, root: Path, *, check: bool, without_home: bool, machine: bool) -> int:
    whole = root == Path("/")
    if whole and os.geteuid() != 0:
        raise StepFailed("请以 root 运行")
    previous = _read_written(root, ANSWERS_FILE)
    answers = read_answers(_gather(file, previous, root))
    check_settings(answers)
    templates = read_templates(Path(sys.prefix).parent / "deploy")
    steps = plan(compose(answers, templates, ipv6=Path("/proc/net/if_inet6").exists()), root)
    told = [_describe(step) for step in steps if step.fate is not Fate.SAME]
    if check:
        changes = {"changes": [{"path": step.target, "fate": step.fate.name.lower()} for step in steps]}
        report(machine, changes, "\n".join(told) or "没有要改动的文件")
        return 0
    write(steps, root)
    done = [Done(line) for line in told]
    if whole:
        done += _bring_up(answers, without_home=without_home, quiet=machine)
    found = {
        "written": [step.target for step in steps if step.fate is not Fate.SAME],
        "told": [one.text for one in done],
    }
    report(machine, found, _finish(answers, done, whole=whole and not without_home))
    return 1 if any(one.serious for one in done) else 0


def check_settings(answers: Answers) -> None:
    """Raises BadAnswer or BadSetting where a process would refuse the settings that come of the answers."""
    if answers.policy not in packaged_policies():
        raise BadAnswer(f"“{LABELS['policy']}”（policy）只能写 {'、'.join(packaged_policies())}")
    if answers.side is Side.PUBLIC and not _is_public_key(answers.journal_key):
        raise BadAnswer(f"“{LABELS['journal_key']}”（journal_key）应为 64 位十六进制公钥，几个之间用逗号分开")
    given = {name.removeprefix("GONGSHI_").lower(): value for name, value in environment(answers).items()}
    read_settings(**given)
    try:
        read_institution_settings(secrets(answers))
    except BadInstitutionSetting as error:
        raise BadSetting(str(error)) from None


def _is_public_key(typed: str) -> bool:
    """Whether what was typed names keys that the public side can believe."""
    try:
        return bool(read_keys(typed))
    except ValueError:
        return False


def _gather(file: Path | None, previous: Answers | None, root: Path) -> dict[str, Any]:
    kept = _read_kept(root)
    if file is not None:
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(f"{file} 不是有效的 TOML 文件（UTF-8）：{error}") from None
        return {**kept, **given}
    known = {**_as_given(previous), **kept} if previous else {**_as_given(None), **kept}
    return ask(known)


def _as_given(answers: Answers | None) -> dict[str, Any]:
    """Answers as they are given: what was answered the last time, or what is proposed the first time."""
    found = answers or Answers(court="", public_name="")
    given: dict[str, Any] = {name: str(value) for name, value in asdict(found).items() if name not in _NOT_PROPOSED}
    if answers and answers.recipients:
        given["recipients"] = [asdict(one) for one in answers.recipients]
    return given


def _read_written(root: Path, place: str) -> Answers | None:
    """Answers that were written down; None where there are none that can be read."""
    try:
        text = (root / place.lstrip("/")).read_text(encoding="utf-8")
        return read_answers(tomllib.loads(text))
    except (FileNotFoundError, tomllib.TOMLDecodeError, UnicodeDecodeError, BadAnswer):
        return None


def _read_kept(root: Path) -> dict[str, str]:
    """The mail server of the last time, which is written down among the providers alone."""
    try:
        lines = (root / _PROVIDERS.lstrip("/")).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise BadAnswer(f"{_PROVIDERS} 不是 UTF-8 编码，不能读取：请改存为 UTF-8，再运行 gongshi setup") from None
    found = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    names = {"GONGSHI_SMTP_URL": "smtp_url", "GONGSHI_MAIL_FROM": "mail_from"}
    return {key: found[name].strip("'\"") for name, key in names.items() if found.get(name)}


def _bring_up(answers: Answers, *, without_home: bool, quiet: bool) -> list[Done]:
    world: World = click.get_current_context().find_root().obj
    password = answers.administrator_password or "".join(world.random.choice(_ALPHABET) for _ in range(16))
    done: list[Done] = []

    def take(steps: Iterator[Done]) -> None:
        for one in steps:
            done.append(one)
            if not quiet:
                click.echo(f"· {one.text}", err=True)

    take(prepare_machine(answers))
    take(prepare_certificates(answers, world.now()))
    if without_home:
        _note_told(answers)
        return [*done, Done("没有建立数据目录，没有启动服务：请接着从备份恢复，见 docs/operations.md 的 Restore")]
    take(found_home(answers, _read_written(Path("/"), _TOLD), password))
    _note_told(answers)
    if not answers.administrator_password and any("已增加系统管理员" in one.text for one in done):
        done.append(Done(f"系统管理员的初始口令（只显示这一次）：{password}"))
    take(start(answers))
    return done


def _note_told(answers: Answers) -> None:
    # Not before the home has them: what a killed setup has not told is told by the next one.
    write_file(Path(_TOLD), write_answers(answers).encode(), 0o600)


def _describe(step: Step) -> str:
    beside = f" {step.target}" if step.fate is Fate.KEPT else ""
    return f"{step.fate.value}{beside}：{step.file.path}"


def _finish(answers: Answers, done: list[Done], *, whole: bool) -> str:
    lines = [one.text for one in done]
    if whole and answers.side is Side.PUBLIC:
        lines.append(f"公示网站：{answers.scheme}://{answers.public_name}/　接着：把法院送来的文件放进 {INCOMING}")
    elif whole:
        desk = (
            f"{answers.scheme}://{answers.desk_name}/"
            if answers.desk_name
            else "ssh -L 8001:127.0.0.1:8001 后的 http://127.0.0.1:8001/"
        )
        lines += [
            f"公示网站：{answers.scheme}://{answers.public_name}/　内部页面：{desk}",
            "接着：gongshi recovery make --as 姓名（备份的恢复钥匙，打印后分开保管）、gongshi backup（第一次备份）、gongshi doctor（检查）",
        ]
    return "\n".join(lines)
