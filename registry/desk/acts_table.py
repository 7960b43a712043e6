"""The acts on a record as one table: who may, in which state it is offered, what is asked, and the article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from registry.approval import check
from registry.audit_values import ACT_NAMES
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS, hold_is_open, lift_is_asked
from registry.desk.access import Access
from registry.desk.acts_carry import Chosen, confirmed_by, list_sendable
from registry.desk.acts_forms import Field, basis_field, day_fields, desk_words, ground_field
from registry.desk.base import current
from registry.grounds import GROUND_LABEL
from registry.lifecycle import Action, allowed
from registry.papers import PAPER_LABEL, PaperKind
from registry.preview import is_restricted
from registry.record import Record, State
from registry.tables import RecordRow
from registry.undecided import list_open_grounds

IsOpen = Callable[[Session, RecordRow, Record], bool]
_GROUNDS_RESTRICTED = (
    ("state_secret", "国家秘密"),
    ("trade_secret", "商业秘密"),
    ("privacy", "个人隐私"),
    ("other", "其他依法不宜公开的"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act. `lead` says what it does and by which article; `access_later` is who may once the record is no draft any more
    (None: the same); `more` are sentences about this very record."""

    name: str
    label: str
    access: Access
    lead: str
    is_open: IsOpen
    fields: Callable[[Chosen], tuple[Field, ...]]
    button: str = ""
    takes_file: bool = False
    access_later: Access | None = None
    more: Callable[[Chosen], tuple[str, ...]] | None = None


def _by_state(action: Action) -> IsOpen:
    return lambda _session, _row, record: action in allowed(record.state)


def _no_fields(_chosen: Chosen) -> tuple[Field, ...]:
    return ()


def _file_field(label: str, *, needed: bool) -> Field:
    return Field(name="file", label=label, kind="file", hint="PDF、JPG、PNG 或者 DOCX", needed=needed)


def _serve_fields(chosen: Chosen) -> tuple[Field, ...]:
    today = chosen.desk.today
    return (
        Field(name="served_on", label="送达日期", kind="date", latest=today),
        _file_field("送达回证", needed=False),
    )


def _attach_fields(_chosen: Chosen) -> tuple[Field, ...]:
    kinds = (PaperKind.DECISION, PaperKind.SERVICE, PaperKind.BASIS, PaperKind.OTHER)
    options = tuple((kind.value, PAPER_LABEL[kind]) for kind in kinds)
    return (Field(name="kind", label="种类", kind="choice", options=options), _file_field("文件", needed=True))


def _approve_fields(chosen: Chosen) -> tuple[Field, ...]:
    label = "已核对决定书由院长签发（法释〔2017〕7号第五条第三款）"
    if chosen.record.origin is not None:
        label = f"已核对该条目与{chosen.record.origin.court}公布的名单一致（法释〔2017〕7号第七条）"
    return (Field(name="signed", label=label, kind="tick"),)


def _approve_more(chosen: Chosen) -> tuple[str, ...]:
    """What stands in the way of approving it now, by name and article."""
    desk, record, reader = chosen.desk, chosen.record, current().name
    confirmed, resolved = confirmed_by(chosen.session, desk, record.facts, reader)
    refusals = check(
        record, approver=reader, today=desk.today, policy=desk.court.policy(), confirmed=confirmed, opened=resolved
    )
    return tuple(desk_words(refusal.reason) for refusal in refusals)


def _grace_fields(_chosen: Chosen) -> tuple[Field, ...]:
    return (
        Field(name="until", label="宽限期的最后一日", kind="date", hint="自首次决定之日起最长三个月"),
        basis_field(),
    )


def _hold_fields(chosen: Chosen) -> tuple[Field, ...]:
    return (basis_field(), *day_fields(chosen.desk.today))


def _withdraw_fields(chosen: Chosen) -> tuple[Field, ...]:
    return (ground_field(WITHDRAWAL_GROUNDS), basis_field(), *day_fields(chosen.desk.today))


def _remove_fields(chosen: Chosen) -> tuple[Field, ...]:
    today = chosen.desk.today
    return (
        ground_field(REMOVAL_GROUNDS),
        basis_field(),
        *day_fields(today),
        Field(
            name="confirmation",
            label="申请执行人的确认或者申请",
            hint="文书名称和日期，例如：2026-10-08 书面确认；不要写姓名",
            needed=False,
        ),
        *(
            Field(name=f"query{number}", label=f"第{number}次查控日期", kind="date", latest=today, needed=False)
            for number in (1, 2)
        ),
    )


def _ground_fields(chosen: Chosen) -> tuple[Field, ...]:
    return (ground_field(GROUND_LABEL), basis_field(), *day_fields(chosen.desk.today))


def _dismiss_fields(chosen: Chosen) -> tuple[Field, ...]:
    open_ones = list_open_grounds(chosen.session, chosen.row.id)
    options = tuple((str(one.id), f"{GROUND_LABEL.get(one.ground or '', '')}，{one.basis or ''}") for one in open_ones)
    reason = Field(name="reason", label="理由", hint="写明文书名称和文号，或者来源")
    return (Field(name="matter", label="要驳回的事由", kind="choice", options=options), reason)


def _restrict_fields(_chosen: Chosen) -> tuple[Field, ...]:
    return (Field(name="ground", label="不宜公开的理由", kind="choice", options=_GROUNDS_RESTRICTED),)


def _can_serve(_session: Session, _row: RecordRow, record: Record) -> bool:
    return record.state is State.DRAFT and record.facts.served_on is None


def _can_grace(_session: Session, _row: RecordRow, record: Record) -> bool:
    return Action.GRACE in allowed(record.state) and record.number is None


def _can_remove(_session: Session, row: RecordRow, record: Record) -> bool:
    was_listed = record.state is not State.DRAFT or row.approved_at is not None
    return Action.REMOVE in allowed(record.state) and was_listed


def _can_confirm(session: Session, row: RecordRow, record: Record) -> bool:
    return record.state is State.HELD and hold_is_open(session, row)


def _can_ask(session: Session, row: RecordRow, record: Record) -> bool:
    return record.state is State.HELD and not lift_is_asked(session, row)


def _can_agree(session: Session, row: RecordRow, record: Record) -> bool:
    return record.state is State.HELD and lift_is_asked(session, row)


def _can_ground(_session: Session, _row: RecordRow, record: Record) -> bool:
    return not record.state.has_departed


def _can_dismiss(session: Session, row: RecordRow, _record: Record) -> bool:
    return bool(list_open_grounds(session, row.id))


def _can_restrict(_session: Session, _row: RecordRow, record: Record) -> bool:
    return Action.CORRECT in allowed(record.state) and not is_restricted(record.facts)


def _notify_fields(chosen: Chosen) -> tuple[Field, ...]:
    kinds = list_sendable(chosen.record, chosen.desk.today)
    return (
        Field(name="kind", label="告知什么", kind="choice", options=tuple((kind.value, kind.label) for kind in kinds)),
        Field(
            name="due",
            label="请申请执行人确认的最后日期",
            kind="date",
            hint="只有请申请执行人确认履行情况时填写",
            needed=False,
        ),
    )


def _can_notify(_session: Session, _row: RecordRow, record: Record) -> bool:
    return not record.state.has_departed and not is_restricted(record.facts)


def is_offered(one: Act, session: Session, row: RecordRow, record: Record) -> bool:
    """Whether an act has a place now: of what another court listed, only what shows it, hides it, or keeps its papers."""
    return (record.origin is None or one.name in _OF_ANY_LIST) and one.is_open(session, row, record)


_OF_ANY_LIST = frozenset({"approve", "publish", "hold", "confirm", "lift", "agree", "attach"})


def _always(_session: Session, _row: RecordRow, _record: Record) -> bool:
    return True


ACTS = (
    Act(
        name="serve", label=ACT_NAMES["serve"], access=Access.WORK, is_open=_can_serve, fields=_serve_fields, takes_file=True,
        lead="决定书应当送达当事人，送达以前不得公布（法释〔2017〕7号第五条第三款）。登记人即为整理人，审核须由另一人办理。",
    ),
    Act(
        name="correct", label=ACT_NAMES["correct"], access=Access.WORK, access_later=Access.DECIDE,
        is_open=_by_state(Action.CORRECT), fields=_no_fields,
        lead="信息不准确的，应当在三个工作日内更正（法释〔2017〕7号第九条第二款）。",
    ),
    Act(
        name="approve", label=ACT_NAMES["approve"], access=Access.DECIDE, is_open=_by_state(Action.APPROVE), fields=_approve_fields,
        more=_approve_more, button="审核通过",
        lead="审核须由导入、整理以外的另一人办理（法释〔2017〕7号第五条第三款、第十三条）。",
    ),
    Act(
        name="grace", label=ACT_NAMES["grace"], access=Access.DECIDE, is_open=_can_grace, fields=_grace_fields,
        lead="首次公布以前可以给予一至三个月的宽限期，期内暂不公布（法发〔2019〕35号）。",
    ),
    Act(
        name="publish", label=ACT_NAMES["publish"], access=Access.DECIDE, is_open=_by_state(Action.PUBLISH), fields=_no_fields,
        button="公布", lead="公布已审核的信息；现在不该公布的内容不会公布（法释〔2017〕7号第六条、第七条）。",
    ),
    Act(
        name="ground", label=ACT_NAMES["ground"], access=Access.WORK, is_open=_can_ground, fields=_ground_fields,
        lead="期限从事由发生或者法院知悉之日起算，到期没有决定的，自动屏蔽（法释〔2017〕7号第九条、第十条）。",
    ),
    Act(
        name="dismiss", label=ACT_NAMES["dismiss"], access=Access.DECIDE, is_open=_can_dismiss, fields=_dismiss_fields,
        lead="须由登记人以外的另一人办理；已经屏蔽的，重新显示仍须经两人（法释〔2017〕7号第十条、第十三条）。",
    ),
    Act(
        name="hold", label=ACT_NAMES["hold"], access=Access.WORK, is_open=_by_state(Action.HOLD), fields=_hold_fields,
        button="屏蔽", lead="一人即可先行屏蔽，公众立即查不到；另一人在一个工作日内确认（法释〔2017〕7号第九条、第十条）。",
    ),
    Act(
        name="confirm", label=ACT_NAMES["confirm"], access=Access.DECIDE, is_open=_can_confirm, fields=_no_fields,
        button="确认", lead="由提出屏蔽以外的另一人确认（法释〔2017〕7号第十三条）。",
    ),
    Act(
        name="lift", label=ACT_NAMES["lift"], access=Access.WORK, is_open=_can_ask, fields=lambda _chosen: (basis_field(),),
        button="提出", lead="重新显示须经两人：一人提出，另一名审核人同意（法释〔2017〕7号第五条第三款、第十三条）。",
    ),
    Act(
        name="agree", label=ACT_NAMES["agree"], access=Access.DECIDE, is_open=_can_agree, fields=_no_fields,
        button="同意并公布", lead="由提出人以外的审核人同意；同意后能够公布的立即公布（法释〔2017〕7号第十三条）。",
    ),
    Act(
        name="remove", label=ACT_NAMES["remove"], access=Access.DECIDE, is_open=_can_remove, fields=_remove_fields,
        button="删除", lead="法定事由使公布终止的，三个工作日内删除，公众立即查不到（法释〔2017〕7号第十条第一款）。",
    ),
    Act(
        name="withdraw", label=ACT_NAMES["withdraw"], access=Access.DECIDE, is_open=_by_state(Action.WITHDRAW), fields=_withdraw_fields,
        button="撤销", lead="不应纳入而纳入的，三个工作日内撤销，公众立即查不到（法释〔2017〕7号第九条第一款）。",
    ),
    Act(
        name="restrict", label=ACT_NAMES["restrict"], access=Access.WORK, access_later=Access.DECIDE, is_open=_can_restrict,
        fields=_restrict_fields,
        lead="涉及国家秘密、商业秘密、个人隐私等依法不宜公开的，不公布，另行通报所在单位（法释〔2017〕7号第六条第（六）项、第八条）。",
    ),
    Act(
        name="notify",
        label=ACT_NAMES["notify"],
        access=Access.WORK,
        is_open=_can_notify,
        fields=_notify_fields,
        button="发送",
        lead="短信不写姓名、金额和证件号码，也不是送达；依法不宜公开的一律不发（法释〔2017〕7号第五条；个人信息保护法第六条）。",
    ),
    Act(
        name="attach", label=ACT_NAMES["attach"], access=Access.WORK, is_open=_always, fields=_attach_fields, takes_file=True,
        button="附上", lead="决定书、送达回证和依据的文书随记录保存，加密存放（法释〔2017〕7号第五条第三款、第十三条）。",
    ),
)  # fmt: skip
