"""What the desk of a demonstration has to do: people of every role, and cases whose time is running out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from gongshi.court import Court
from registry import staff
from registry.article_review import ArticleKind
from registry.articles import Text, write_article
from registry.deadlines import Rule
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, register_matter
from registry.records import get_row
from registry.staff import ROLE_LABEL, Role
from registry.units.accounts import PASSWORD, add_account, change_password
from registry.units.ledger import UNIT_ACTOR
from registry.units.units import get_unit

CLERK, REVIEWER, SECOND, AUDITOR, ADMIN = "书记员甲", "审核人乙", "审核人丙", "审计员丁", "管理员戊"
STAFF = {
    CLERK: Role.CLERK,
    REVIEWER: Role.REVIEWER,
    SECOND: Role.REVIEWER,
    AUDITOR: Role.AUDITOR,
    ADMIN: Role.ADMIN,
}
UNITS = (
    ("zrzy", "测试市自然资源局", "--push"),
    ("ggzy", "测试市公共资源交易中心", "--push"),
    ("zhb", "测试市联合惩戒领导小组办公室", "--leading"),
)
_LONGEST_PERIOD = 200  # days that may lie between the start of a period and its end
_SPOILED = ("performance", "conduct", "name")

# Runs a command as a person would, showing it; the second argument is typed.
RunStep = Callable[[Sequence[str], str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in, with the password that is printed at the start."""

    name: str
    role: str
    password: str


def enrol_staff(court: Court, run: RunStep) -> list[Person]:
    """An account of each role, and of a second reviewer: showing a name again takes two. Their passwords count as chosen by
    themselves, so that nobody who tries the demonstration is asked for another first."""
    people = [Person(name=name, role=ROLE_LABEL[role], password=_draw_password()) for name, role in STAFF.items()]
    for person in people:
        run(["user", "add", person.name, "--role", STAFF[person.name].value], person.password)
    with court.session() as session:
        for person in people:
            staff.set_password(session, person.name, person.password, court.now, person.name)
    run(["user", "deputy", REVIEWER, SECOND], "")
    return people


def enrol_units(court: Court, run: RunStep) -> Person:
    """Units with what they receive, and the feedback that they owe for the last quarter; who may sign in for the first."""
    common = ["--releases", "--feedback", "--basis", "测试市联合惩戒实施意见", "--as", REVIEWER]
    for slug, name, what in UNITS:
        run(["unit", "add", slug, "--name", name, what, *common], "")
    slug, unit, _ = UNITS[0]
    run(["unit", "key", "add", slug, "demo", "--as", REVIEWER], "")
    person = Person(name=f"{slug}-1", role=unit, password=_draw_password())
    with court.session() as session:
        first = add_account(
            session, get_unit(session, slug), person.name, PASSWORD, court.world.random, court.acting(REVIEWER)
        )
    own = partial(court.acting, f"{UNIT_ACTOR}{person.name}")
    # As its owner would have to before anything else.
    change_password(court.session, person.name, first, person.password, make_acting=own)
    return person


def _draw_password() -> str:
    return f"yanshi-{secrets.token_hex(3)}"


def open_cases(court: Court, run: RunStep, numbers: Sequence[str], home: Path) -> None:
    """Cases at every point of their way. `numbers` are entries the public sees; four are used."""
    performed, objected, held, guaranteed = numbers
    day = find_due_day(court)
    began = {rule: find_start(court, rule, day) for rule in (Rule.EXIT, Rule.CORRECTION_REVIEW)}
    ground = ["--arose", str(began[Rule.EXIT]), "--known", str(began[Rule.EXIT]), "--as", CLERK]
    run(["ground", "add", performed, "--ground", "performed", "--basis", "结案通知书", *ground], "")
    run(["ground", "add", guaranteed, "--ground", "guaranteed", "--basis", "担保书审查笔录", *ground], "")
    run(["hold", held, "--basis", "被执行人提出书面异议", "--as", CLERK], "")
    _register_objection(court, objected, began[Rule.CORRECTION_REVIEW])
    _register_complaint(court)
    _write_article(court)
    file = home / "待办.jsonl"
    _write_drafts(file, run)
    run(["import", str(file), "--as", CLERK], "")


def find_due_day(court: Court) -> date:
    """Today, or the next day on which something can still be due: no period ends on a day off, and when the court has closed
    what was due is over (民法典 203 ¶2)."""
    days = (court.today + timedelta(days=n) for n in range(_LONGEST_PERIOD))
    return next(day for day in days if court.calendar.is_workday(day) and court.now < court.clockwork.due_at(day))


def find_start(court: Court, rule: Rule, due: date) -> date:
    """The latest day on which a period of `rule` begins that ends on `due`."""
    days = (due - timedelta(days=n) for n in range(1, _LONGEST_PERIOD))
    return next(day for day in days if court.clockwork.due(rule, day).due <= due)


def _register_objection(court: Court, number: str, received_on: date) -> None:
    content = Content(
        who="（虚构）异议人",
        phone="00000000",
        words="我已经按调解书付清全部款项，附付款凭证，请核对后删除。（演示数据）",
        reference=number,
    )
    with court.session() as session:
        row = get_row(session, number)
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=received_on,
            content=content,
            record=row,
            ground=Claim.PERFORMED,
        )
        register_matter(session, court.vault, arrival, court.acting(CLERK))


def _register_complaint(court: Court) -> None:
    content = Content(
        who="（虚构）举报人", unit=UNITS[0][1], words="有单位对名单上的企业仍然发放许可，请核查。（演示数据）"
    )
    arrival = Arrival(kind=MatterKind.COMPLAINT, channel=Channel.TELEPHONE, received_on=court.today, content=content)
    with court.session() as session:
        register_matter(session, court.vault, arrival, court.acting(CLERK))


def _write_article(court: Court) -> None:
    body = "被执行人有履行能力而拒不履行，经纳入名单后主动付清全部款项，法院当日删除其信息。（演示数据）"
    with court.session() as session:
        text = Text(kind=ArticleKind.CASE, title="典型案例：主动履行，当日退出", body=body)
        write_article(session, court.vault, text, court.acting(CLERK))


def _write_drafts(file: Path, run: RunStep) -> None:
    """Twenty lines: some complete, some legacy lines without a decision or service, three that cannot be read."""
    run(["generate", "20", "--out", str(file), "--seed", "6"], "")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for place, line in enumerate(lines):
        if place < len(_SPOILED):
            line[_SPOILED[place]] = None
        elif place < 8:
            line.update(decision_number=None, decided_on=None, served_on=None)
        elif place < 11:
            line.update(served_on=None)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
