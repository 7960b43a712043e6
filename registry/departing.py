"""Taking a name down, and showing it again. Down takes one person; up takes two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from registry import audit, journal
from registry.acting import Acting
from registry.clockbook import About, end_clocks, set_clock
from registry.deadlines import Profile, Rule, add_months
from registry.lifecycle import Action, transition
from registry.moving import Exit, Line, await_confirmation, follow_departures, move
from registry.preparers import find_menders, say_who_may
from registry.record import State
from registry.sources.origin import say_read_only
from registry.tables import DecisionRow, RecordRow
from registry.undecided import find_undecided, list_open_grounds
from search_index.codes import has_long_number
from search_index.journal import EntryChange

REMOVAL_GROUNDS: Mapping[str, str] = {
    "performed": "已履行生效法律文书确定的义务或者人民法院已执行完毕（第十条第一款第一项）",
    "settled": "达成执行和解协议且已履行完毕（第十条第一款第二项）",
    "applicant_request": "申请执行人书面申请删除，人民法院审查同意（第十条第一款第三项）",
    "no_property_found": "终结本次执行程序后两次以上查控未发现可供执行财产，且无有效财产线索（第十条第一款第四项）",
    "stayed": "因审判监督或破产程序，依法裁定中止执行（第十条第一款第五项）",
    "not_enforceable": "依法裁定不予执行（第十条第一款第六项）",
    "closed": "依法裁定终结执行（第十条第一款第七项）",
    "guaranteed": "提供了充分有效担保，不属于有履行能力而拒不履行（第三条第一项）",
    "early": "积极履行或者主动纠正失信行为，决定提前删除（第二条第二款）",
}
WITHDRAWAL_GROUNDS: Mapping[str, str] = {
    "wrongly_listed": "不应纳入而纳入（第九条第一款）",
    "minor": "被执行人为未成年人（第四条）",
    "deceased": "被执行人死亡（民事诉讼法第二百六十八条第三项）",
}
SOURCE_GROUNDS: Mapping[str, str] = {
    "source_gone": "已不在所转载的名单中（第七条第一款）",
    "source_ended": "所在的名单已停止转载（第七条第一款）",
    "source_replaced": "本院对同一案件的该被执行人已有记录，不再转载（第七条第一款）",
}
"""Why what was taken over from another court's list leaves: it follows that list, and nobody decides it here."""
_WRONG_FROM_THE_START = frozenset({"wrongly_listed", "minor"})
_SPC = "法释〔2017〕7号"
_NOTE_ON_TERM = "该记录有纳入期限，第十条第一款不当然适用（第十条第二款）：已按第二条第二款登记为提前删除，请补附决定"
# What the applicant says of it is part of these grounds (第十条第一款第一至三项).
NEEDS_APPLICANT = frozenset({"performed", "settled", "applicant_request"})
_NOTE_ON_APPLICANT = (
    "没有写明申请执行人的确认或者申请（--confirmation）：法院自行查明的，请在案卷中附查明的依据（第十条第一款）"
)
QUERIES_NEEDED = 2
# The local text asks for both within a year, the national one does not: that it took longer bars nobody from leaving.
_NOTE_ON_YEAR = "两次查控相隔超过一年，当地文件四（二）4 写作一年内：按第十条第一款第四项办理，请在案卷中说明"
_NOTE_ON_QUERIES = "没有写明两次查控的日期（--query）：第十条第一款第四项要求两次以上，请在案卷中补附查控记录"
_YEAR = 12
_GRACE = Action.GRACE.value

# The audit lines that tell whether a request to show an entry again still stands.
_VOIDS_LIFT_REQUEST = (Action.HOLD.value, Action.CORRECT.value, "ground_record")


class NotPermitted(Exception):
    """A rule of four eyes or of dates stands against it. The message is for the person who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why, on what document, and since when: clocks run from when the ground arose or was known, not from the click.

    `confirmation` names the applicant's (申请执行人) confirmation or request; `queries` are the days on which the
    debtor's property was looked for and none was found (art. 10 ¶1 (4)).
    """

    ground: str | None
    basis: str
    arose_on: date
    known_on: date
    confirmation: str | None = None
    queries: tuple[date, ...] = ()

    def refuse_wrong_dates(self, today: date) -> None:
        """Raises NotPermitted."""
        if self.arose_on > today or self.known_on > today:
            raise NotPermitted("事由发生日和知悉日不能晚于今天：请核对 --arose 和 --known")
        if self.known_on < self.arose_on:
            raise NotPermitted("知悉日不能早于事由发生日：请核对 --arose 和 --known")
        if any(day > today for day in self.queries):
            raise NotPermitted("查控日期不能晚于今天：请核对 --query")

    def refuse_unfit_basis(self) -> None:
        """A basis is kept in the clear and read by many: it names a document, and nobody's numbers. Raises NotPermitted."""
        if not self.basis.strip():
            raise NotPermitted("依据不能是空的：请用 --basis 写明文书名称和文号，或者来源")
        if has_long_number(self.basis):
            raise NotPermitted("依据中有身份证、电话或者账户一类的号码：请改写为文书名称和文号（个人信息保护法第六条）")
        if self.confirmation and has_long_number(self.confirmation):
            raise NotPermitted("--confirmation 中有号码：请只写文书名称和日期（个人信息保护法第六条）")

    def refuse_unfit_queries(self) -> None:
        """Queries belong to one ground, and are two at least, on different days (art. 10 ¶1 (4)). Raises NotPermitted."""
        if self.queries and self.ground != "no_property_found":
            raise NotPermitted("--query 只用于事由 no_property_found（第十条第一款第四项）")
        if self.queries and len(set(self.queries)) < QUERIES_NEEDED:
            raise NotPermitted("查控须有两次以上：请用 --query 写明两个不同的日期（第十条第一款第四项）")

    def describe(self) -> dict[str, object]:
        """What the audit line says of it: documents and days, and nobody."""
        more: dict[str, object] = {"confirmation": self.confirmation} if self.confirmation else {}
        if self.queries:
            more["queries"] = [str(day) for day in sorted(self.queries)]
        dates = {"arose_on": str(self.arose_on), "known_on": str(self.known_on)}
        return {"ground": self.ground, "basis": self.basis, **dates, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What was done. `change` is None when the public had never seen the entry; `note` is for the clerk."""

    record: str | None
    state: State
    at: datetime
    change: EntryChange | None
    note: str | None = None


def article_of(ground: str | None, action: Action) -> str | None:
    """The article that a ground of departure rests on; None where it is the action's own."""
    text = REMOVAL_GROUNDS.get(ground or "") if action is Action.REMOVE else WITHDRAWAL_GROUNDS.get(ground or "")
    text = text or SOURCE_GROUNDS.get(ground or "")
    if not text:
        return None
    named = text[text.rindex("（") + 1 : -1]
    return named if named.startswith("民事诉讼法") else f"{_SPC}{named}"


def take_down(
    session: Session, row: RecordRow, action: Action, grounds: Grounds, acting: Acting, *, matter: int | None = None
) -> Departure:
    """Hold, withdraw or remove; `matter` is the matter in which it was decided.

    Raises NotAllowed (wrong state) or NotPermitted (wrong dates, unfit basis, a decision on what another court listed).
    """
    if action.ends and (grounds.ground in SOURCE_GROUNDS) != (row.source is not None):
        raise NotPermitted(say_read_only(row) or "该事由只用于转载的条目")
    grounds.refuse_wrong_dates(acting.today)
    grounds.refuse_unfit_basis()
    grounds.refuse_unfit_queries()
    grounds = _from_when_known(session, row, grounds)
    transition(State(row.state), action)
    if State(row.state).has_departed and grounds.ground not in _WRONG_FROM_THE_START:
        raise NotPermitted(
            "该记录已经退出名单：只有不应纳入而纳入、或者被执行人为未成年人的，才能再行撤销（第九条第一款）"
        )
    if State(row.state) is State.DRAFT and action is Action.REMOVE and row.approved_at is None:
        raise NotPermitted("该记录还没有纳入名单，不用删除：不该纳入的，请撤销（第九条第一款）")
    session.add(_decision(row, action, grounds, acting, matter))
    session.flush()
    leaving = Exit(ground=grounds.ground, on=acting.today, evidence=grounds.basis) if action.ends else None
    line = Line(detail=grounds.describe(), article=article_of(grounds.ground, action))
    step = move(session, row, action, acting, line, leaving=leaving)
    if action is Action.HOLD:
        await_confirmation(session, row, acting, grounds.basis)
    change = journal.Change(type=step.change, record=row.number) if step.change and row.number else None
    entries = journal.append_changes(session, acting.now, [change] if change else [])
    follow_departures(session, entries, acting)
    return Departure(
        record=row.number,
        state=step.state,
        at=acting.now,
        change=entries[0] if entries else None,
        note=_find_note(row, grounds, acting.clockwork.profile) if action is Action.REMOVE else None,
    )


def _from_when_known(session: Session, row: RecordRow, grounds: Grounds) -> Grounds:
    """The same grounds, no later than is on file: since the second query that found nothing (art. 10 ¶1 (4)), and since the
    same ground was recorded. A day that is left out at the departure is no day gained."""
    arose, known = [grounds.arose_on], [grounds.known_on]
    if len(set(grounds.queries)) >= QUERIES_NEEDED:
        second = sorted(set(grounds.queries))[QUERIES_NEEDED - 1]
        arose.append(second)
        known.append(second)
    for matter in list_open_grounds(session, row.id):
        if matter.ground == grounds.ground and matter.arose_on and matter.known_on:
            arose.append(matter.arose_on)
            known.append(matter.known_on)
    return replace(grounds, arose_on=min(arose), known_on=max(min(known), min(arose)))


def _find_note(row: RecordRow, grounds: Grounds, profile: Profile) -> str | None:
    """What the clerk should still put into the file. The court may establish performance itself: nothing is refused."""
    notes = []
    if grounds.ground != "early" and row.facts.get("term_ends_on"):
        notes.append(_NOTE_ON_TERM)
    if grounds.ground in NEEDS_APPLICANT and not grounds.confirmation:
        notes.append(_NOTE_ON_APPLICANT)
    if grounds.ground == "no_property_found" and not grounds.queries:
        notes.append(_NOTE_ON_QUERIES)
    if profile is Profile.YUNNAN and grounds.queries and _is_over_a_year(grounds.queries):
        notes.append(_NOTE_ON_YEAR)
    return "；".join(notes) or None


def _is_over_a_year(queries: tuple[date, ...]) -> bool:
    return max(queries) > add_months(min(queries), _YEAR)


def confirm_hold(session: Session, row: RecordRow, acting: Acting) -> None:
    """A second person stands by a hold. Raises NotPermitted."""
    decision = _find_hold(session, row) if State(row.state) is State.HELD else None
    if decision is None:
        raise NotPermitted("该记录没有待确认的屏蔽")
    _confirm(decision, acting)
    move(session, row, Action.CONFIRM, acting)


def lift_hold(session: Session, row: RecordRow, basis: str, acting: Acting) -> bool:
    """Ask to show a held entry again, or, as a second person, agree to it. True when the hold is lifted.

    Raises NotAllowed or NotPermitted.
    """
    transition(State(row.state), Action.LIFT)
    request = _find_lift_request(session, row)
    if request is None:
        grounds = Grounds(ground=None, basis=basis, arose_on=acting.today, known_on=acting.today)
        grounds.refuse_unfit_basis()
        session.add(_decision(row, Action.LIFT, grounds, acting, None))
        move(session, row, Action.ASK, acting, Line(detail={"basis": basis}))
        return False
    if find_undecided(session, [row.id]):
        raise NotPermitted("还有没有决定的退出事由或者更正：请先撤下，或者由另一人写明理由驳回该事由（第九条、第十条）")
    menders = find_menders(session, row)
    if acting.actor in menders:
        who = say_who_may(session, menders | {request.decided_by})
        raise NotPermitted(
            f"“{acting.actor}”在屏蔽期间更正过该记录，须由另一名审核人同意（第五条第三款、第十三条）；{who}"
        )
    _confirm(request, acting)
    move(session, row, Action.LIFT, acting)
    return True


def lift_is_asked(session: Session, row: RecordRow) -> bool:
    """Whether somebody has asked to show this entry, as it stands, again and nobody has agreed yet."""
    return _find_lift_request(session, row) is not None


def grant_grace(session: Session, row: RecordRow, *, until: date, basis: str, acting: Acting) -> None:
    """Grant the debtor a time of grace (宽限期) through the day `until`: nothing is published before it is over.

    Before the first publication only, one month at least and three at most, counted from the first decision that granted
    any; what was granted is not shortened (法发〔2019〕35号). Raises NotAllowed or NotPermitted.
    """
    grounds = Grounds(ground=None, basis=basis, arose_on=acting.today, known_on=acting.today)
    grounds.refuse_unfit_basis()
    if told := say_read_only(row):
        raise NotPermitted(told)
    transition(State(row.state), Action.GRACE)
    if row.number is not None:
        raise NotPermitted("该记录已经公布过：宽限期只能在首次公布以前给予（法发〔2019〕35号）")
    if until <= acting.today:
        raise NotPermitted("宽限期的最后一日应在今天以后：请核对 --until 或者 --months")
    granted_on = _first_grace(session, row) or acting.today
    shortest, longest = add_months(granted_on, 1), acting.clockwork.due(Rule.GRACE, granted_on).due
    if until < shortest:
        raise NotPermitted(f"宽限期最短一个月，自首次决定之日起至少至 {shortest.isoformat()}（法发〔2019〕35号）")
    if row.grace_until is not None and until < row.grace_until:
        raise NotPermitted(f"已经给予的宽限期至 {row.grace_until.isoformat()} 为止，不能缩短（法发〔2019〕35号）")
    if until > longest:
        raise NotPermitted(f"宽限期最长三个月，自首次决定之日起至 {longest.isoformat()} 为止（法发〔2019〕35号）")
    session.add(_decision(row, Action.GRACE, grounds, acting, None))
    row.grace_until = until
    end_clocks(session, acting, {Rule.GRACE}, About(record=row.id), void=True)
    move(session, row, Action.GRACE, acting, Line(detail={"basis": basis, "until": str(until)}))
    set_clock(session, acting, Rule.GRACE, About(record=row.id), started_on=acting.today, evidence=basis, until=until)


def _first_grace(session: Session, row: RecordRow) -> date | None:
    query = select(func.min(DecisionRow.arose_on))
    found: date | None = session.scalar(query.where(DecisionRow.record_id == row.id, DecisionRow.action == _GRACE))
    return found


def hold_is_open(session: Session, row: RecordRow) -> bool:
    """Whether a hold is in force that nobody has confirmed yet."""
    return State(row.state) is State.HELD and _find_hold(session, row) is not None


def _find_hold(session: Session, row: RecordRow) -> DecisionRow | None:
    """The hold that is in force, where nobody has confirmed it yet."""
    confirmed_lift = and_(DecisionRow.action == Action.LIFT.value, DecisionRow.confirmed_at.is_not(None))
    newest = _newest(session, row, or_(DecisionRow.action == Action.HOLD.value, confirmed_lift))
    is_open = newest is not None and newest.action == Action.HOLD.value and newest.confirmed_at is None
    return newest if is_open else None


def _find_lift_request(session: Session, row: RecordRow) -> DecisionRow | None:
    request = _newest(session, row, DecisionRow.action == Action.LIFT.value)
    if request is None or request.confirmed_at is not None:
        return None
    # Who asked before a correction, or another hold, did not ask to show what it says now. By the order in which things
    # were written down, and not by their times: a clock can be set back.
    last = audit.find_newest(session, row.id, (Action.ASK.value, *_VOIDS_LIFT_REQUEST))
    return request if last == Action.ASK.value else None


def _decision(row: RecordRow, action: Action, grounds: Grounds, acting: Acting, matter: int | None) -> DecisionRow:
    return DecisionRow(
        record_id=row.id,
        action=action.value,
        ground=grounds.ground,
        basis=grounds.basis,
        arose_on=grounds.arose_on,
        known_on=grounds.known_on,
        decided_at=acting.now,
        decided_by=acting.actor,
        matter_id=matter,
    )


def _newest(session: Session, row: RecordRow, which: ColumnElement[bool]) -> DecisionRow | None:
    query = select(DecisionRow).where(DecisionRow.record_id == row.id, which).order_by(DecisionRow.id.desc()).limit(1)
    return session.scalar(query)


def _confirm(decision: DecisionRow, acting: Acting) -> None:
    if decision.decided_by == acting.actor:
        raise NotPermitted(f"须由另一人确认：“{acting.actor}”正是提出的人")
    decision.confirmed_at, decision.confirmed_by = acting.now, acting.actor
