"""What each act of the table does, in one transaction each; the word that the page says after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from flask import request
from sqlalchemy.orm import Session

from registry import departing
from registry.approving import Review, decide_record
from registry.checklists import find_answers, is_asked, is_clear
from registry.correcting import Corrector
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS, Grounds
from registry.desk.acts_forms import MOST_BASIS, read_ground, read_grounds
from registry.desk.base import Desk
from registry.desk.forms import Refused, read_date, read_line, read_optional_date
from registry.grounds import GROUND_LABEL, dismiss_ground, record_ground
from registry.lifecycle import Action
from registry.notices import BY_HAND, NoticeKind, check_by_hand, find_obstacle, find_same, send_by_hand
from registry.papers import FOLDER, LARGEST, Keeping, Offered, PaperKind, Prepared, add_paper, prepare_paper
from registry.record import Facts, Record, RestrictedGround, State
from registry.records import read_record
from registry.resolutions import build_accepted, find_open, read_resolutions
from registry.tables import MatterRow, RecordRow
from registry.undecided import list_open_grounds
from registry.watch import act_on_due


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The record that an act is about, for what its form shows."""

    desk: Desk
    session: Session
    row: RecordRow
    record: Record


def confirmed_by(session: Session, desk: Desk, facts: Facts, reader: str) -> tuple[frozenset[str], bool]:
    """What `reader` has confirmed of this version (art3, redactions), and whether each finding was resolved, and so seen."""
    vault = desk.court.vault
    confirmed = set()
    if is_asked(facts) and is_clear(find_answers(session, vault, facts, reader)):
        confirmed.add("art3")
    resolved = not find_open(facts, read_resolutions(session, vault, facts, reader))
    if resolved:
        confirmed.add("redactions")
    return frozenset(confirmed), resolved


def _load(session: Session, record_id: int) -> RecordRow:
    from registry.desk.record import load_row

    return load_row(session, record_id, lock=True)


def _corrector(desk: Desk, *confirmed: str) -> Corrector:
    return Corrector(vault=desk.court.vault, policy=desk.court.policy(), confirmed=frozenset(confirmed))


def _prepare(desk: Desk, kind: PaperKind) -> Prepared | None:
    """The file of the form, checked, scanned and sealed, before any transaction; None where there is none. Raises
    PaperRefused."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    keeping = Keeping(folder=desk.court.private / FOLDER, scan=desk.scan, limit=min(LARGEST, desk.upload_limit))
    return prepare_paper(desk.court.vault, Offered(kind=kind, name=file.filename, content=file.stream.read()), keeping)


def serve(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    day = read_date(form, "served_on", "送达日期", latest=desk.today)
    receipt = _prepare(desk, PaperKind.SERVICE)
    with desk.court.session() as session:
        row = _load(session, record_id)
        _corrector(desk).correct(session, row, [("served_on", day.isoformat())], desk.acting)
        if receipt is not None:
            add_paper(session, desk.court.vault, receipt, desk.acting, record=record_id)
    return "served"


def attach(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    kind = form.get("kind", "")
    if kind not in (PaperKind.DECISION, PaperKind.SERVICE, PaperKind.BASIS, PaperKind.OTHER):
        raise Refused("请选择文件的种类")
    paper = _prepare(desk, PaperKind(kind))
    if paper is None:
        raise Refused("请选择要附上的文件")
    with desk.court.session() as session:
        _load(session, record_id)
        add_paper(session, desk.court.vault, paper, desk.acting, record=record_id)
    return "attached"


def approve(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    if form.get("signed") != "yes":
        raise Refused("请确认决定书已由院长签发（法释〔2017〕7号第五条第三款）")
    court, acting = desk.court, desk.acting
    with court.session() as session:
        row = _load(session, record_id)
        facts = read_record(row, court.vault).facts
        confirmed, resolved = confirmed_by(session, desk, facts, acting.actor)
        decided = read_resolutions(session, court.vault, facts, acting.actor)
        review = Review(
            vault=court.vault,
            policy=court.policy(),
            confirmed=confirmed,
            accepted=build_accepted(facts, decided),
            opened=resolved,
        )
        refusals = decide_record(session, row, acting, review)
        if refusals:
            raise departing.NotPermitted("；".join(refusal.reason for refusal in refusals))
    return "approved"


def grace(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    until = read_date(form, "until", "宽限期的最后一日")
    basis = read_line(form, "basis", "依据", most=MOST_BASIS)
    with desk.court.session() as session:
        departing.grant_grace(session, _load(session, record_id), until=until, basis=basis, acting=desk.acting)
    return "graced"


def publish(desk: Desk, record_id: int, _form: Mapping[str, str]) -> str:
    """Only what was approved gets here, and approval is a second person's; the gate has the last word."""
    court = desk.court
    publisher = court.publisher()
    with court.session() as session:
        row = _load(session, record_id)
        if State(row.state) is not State.APPROVED:
            raise Refused("该记录没有审核，不能公布", 409)
        shown = publisher.publish_row(session, row, desk.acting)
    court.pump.feed()
    return "published" if shown else "kept"


def hold(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    _take_down(desk, record_id, Action.HOLD, read_grounds(form, None, desk.today))
    return "held"


def confirm(desk: Desk, record_id: int, _form: Mapping[str, str]) -> str:
    with desk.court.session() as session:
        departing.confirm_hold(session, _load(session, record_id), desk.acting)
    return "confirmed"


def lift(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    basis = read_line(form, "basis", "依据", most=MOST_BASIS)
    with desk.court.session() as session:
        row = _load(session, record_id)
        if departing.lift_is_asked(session, row):
            raise Refused("已经有人提出解除屏蔽，请由另一名审核人同意", 409)
        departing.lift_hold(session, row, basis, desk.acting)
    return "asked"


def agree(desk: Desk, record_id: int, _form: Mapping[str, str]) -> str:
    """The second person's word: it is shown again if the gate lets it through."""
    court = desk.court
    publisher = court.publisher()
    with court.session() as session:
        row = _load(session, record_id)
        if not departing.lift_is_asked(session, row):
            raise Refused("没有待同意的解除屏蔽：可能已经撤回，或者记录有改动", 409)
        departing.lift_hold(session, row, "", desk.acting)
        shown = publisher.publish_row(session, row, desk.acting)
    court.pump.feed()
    return "published" if shown else "kept"


def withdraw(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    grounds = read_grounds(form, read_ground(form, WITHDRAWAL_GROUNDS), desk.today)
    return _take_down(desk, record_id, Action.WITHDRAW, grounds)


def remove(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    grounds = read_grounds(form, read_ground(form, REMOVAL_GROUNDS), desk.today)
    return _take_down(desk, record_id, Action.REMOVE, grounds)


def _take_down(desk: Desk, record_id: int, action: Action, grounds: Grounds) -> str:
    departure = desk.court.take_down(
        lambda session: departing.take_down(session, _load(session, record_id), action, grounds, desk.acting)
    )
    return "gone-note" if departure.note else "gone"


def ground(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    """Record it, and hide at once what the ground hides at once, or what is overdue already."""
    given = read_grounds(form, read_ground(form, GROUND_LABEL), desk.today)
    court, acting = desk.court, desk.acting
    with court.session() as session:
        record_ground(
            session,
            _load(session, record_id),
            ground=str(given.ground),
            basis=given.basis,
            arose_on=given.arose_on,
            known_on=given.known_on,
            acting=acting,
        )
    court.amend(lambda session: act_on_due(session, acting, record=record_id))
    return "ground"


def dismiss(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    reason = read_line(form, "reason", "理由", most=MOST_BASIS)
    with desk.court.session() as session:
        _load(session, record_id)
        open_ones = {str(one.id): one for one in list_open_grounds(session, record_id)}
        matter = open_ones.get(form.get("matter", ""))
        if matter is None:
            raise Refused("请选择要驳回的事由")
        dismiss_ground(session, session.get_one(MatterRow, matter.id), reason=reason, acting=desk.acting)
    return "dismissed"


def restrict(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    """Not fit to be public: one person is enough to take it out of sight; it comes back only by two."""
    chosen = form.get("ground", "")
    if chosen not in set(RestrictedGround):
        raise Refused("请选择不宜公开的理由")
    settings = [("disclosure", "restricted"), ("restricted_ground", chosen)]
    # Less is shown, and no text: there is nothing to go through once more.
    corrector = _corrector(desk, "art3", "redactions")
    desk.court.amend(lambda session: corrector.correct(session, _load(session, record_id), settings, desk.acting))
    return "restricted"


def list_sendable(record: Record, today: date) -> list[NoticeKind]:
    """What may be told of this record by SMS now, of what is told on a person's word."""
    return [kind for kind in BY_HAND if find_obstacle(kind, record, today) is None]


def notify(desk: Desk, record_id: int, form: Mapping[str, str]) -> str:
    """Have a private notice sent: the worker hands it on. The same is not sent twice."""
    kind = form.get("kind", "")
    if kind not in {one.value for one in BY_HAND}:
        raise Refused("请选择要告知的内容")
    due = read_optional_date(form, "due", "请申请执行人确认的最后日期")
    acting = desk.acting
    with desk.court.session() as session:
        row = _load(session, record_id)
        record = read_record(row, desk.court.vault)
        day = check_by_hand(record, NoticeKind(kind), due, acting.today)
        if find_same(session, row.id, NoticeKind(kind), day) is not None:
            raise Refused("同样的告知已经发送或者正在等待发送，没有重复发送", 409)
        send_by_hand(session, row, record, NoticeKind(kind), due, acting.actor, acting.now)
    return "told"


CARRY: Mapping[str, Callable[[Desk, int, Mapping[str, str]], str]] = {
    "serve": serve,
    "attach": attach,
    "approve": approve,
    "grace": grace,
    "publish": publish,
    "hold": hold,
    "confirm": confirm,
    "lift": lift,
    "agree": agree,
    "withdraw": withdraw,
    "remove": remove,
    "ground": ground,
    "dismiss": dismiss,
    "restrict": restrict,
    "notify": notify,
}
