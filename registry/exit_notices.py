"""Exit notices (退出公告) and clarifications (澄清): telling where a name was shown that it is shown no more.

Who leaves is named by surname only, an organisation by its kind, for a short time (法释〔2016〕19号 art. 9 by analogy;
河南省社会信用条例 art. 37); who should never have been listed is not named again at all, unless a clarification is asked
for.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import Acting
from registry.article_review import ArticleKind
from registry.articles import ArticleRefused, ArticleState, publish_made, withdraw_article
from registry.letters.sheet import day_words
from registry.masks import mask_name, mask_organisation
from registry.policy import load_policy
from registry.record import Disclosure, Kind, State
from registry.tables import ArticleRow, RecordRow
from search_index.casenumber import CaseNumber
from search_index.codes import has_long_number

_GONE_WORD = {State.REMOVED: "删除", State.EXPIRED: "因纳入期限届满删除"}
_USUAL_DAYS = 30


def note_exit(session: Session, row: RecordRow, acting: Acting) -> ArticleRow | None:
    """Publish the exit notice of a departure that `row` now shows, where the policy in force asks for one; once."""
    days = _days(journal.newest_profile(session).policy)
    # A minor, the dead and whoever was listed wrongly are withdrawn: they are not pointed at once more.
    if days == 0 or not _was_public(row) or row.state == State.WITHDRAWN.value:
        return None
    if _find(session, row, ArticleKind.EXIT):
        return None
    return publish_made(session, ArticleKind.EXIT, row, _exit_words(row), days, acting)


def can_be_clarified(row: RecordRow) -> bool:
    """Whether the public was shown what should not have been listed."""
    return _was_public(row) and row.state == State.WITHDRAWN.value and row.departed_ground == "wrongly_listed"


def take_back(session: Session, row: RecordRow, acting: Acting) -> None:
    """Take down the exit notice of who had left, and is now found to have been listed wrongly (art. 9 ¶1)."""
    notice = _find(session, row, ArticleKind.EXIT)
    if notice is not None:
        withdraw_article(session, notice, "该记录系不应纳入而纳入，已经撤销", acting)


def clarify(session: Session, row: RecordRow, basis: str, acting: Acting) -> ArticleRow:
    """Publish, because the person asked for it, that what was listed was withdrawn: by its public number and that of the
    case, without a name. `basis` names the request. Raises ArticleRefused.

    Those who were sent the entry are sent the clarification by the notifier, behind the recall of the withdrawal; those
    who were told by letter are in letters.list_to_recall.
    """
    if not can_be_clarified(row):
        raise ArticleRefused("只有曾经公布、因不应纳入而撤销的记录才发布澄清公告（法释〔2017〕7号第九条）")
    if not basis.strip() or len(basis) > 80 or has_long_number(basis):
        raise ArticleRefused("请写明本人申请的文书名称和日期，不超过八十个字，不写证件和电话号码")
    if _find(session, row, ArticleKind.CLARIFICATION):
        raise ArticleRefused("该记录已经发布过澄清公告")
    days = _days(journal.newest_profile(session).policy) or _USUAL_DAYS
    return publish_made(
        session, ArticleKind.CLARIFICATION, row, _clarifying_words(session, row), days, acting, basis=basis.strip()
    )


# Many entries may end in one night.
@lru_cache(maxsize=4)
def _days(policy: str) -> int:
    return load_policy(policy).exit_notice_days


def _was_public(row: RecordRow) -> bool:
    return State(row.state).has_departed and row.departed_on is not None and _was_shown(row)


def _was_shown(row: RecordRow) -> bool:
    return row.number is not None and row.facts.get("disclosure") != Disclosure.RESTRICTED.value


def _find(session: Session, row: RecordRow, kind: ArticleKind) -> ArticleRow | None:
    which = (
        ArticleRow.record_id == row.id,
        ArticleRow.kind == kind.value,
        ArticleRow.state == ArticleState.PUBLISHED.value,
    )
    return session.scalar(select(ArticleRow).where(*which).limit(1))


def _exit_words(row: RecordRow) -> tuple[str, str]:
    name = str(row.facts["name"])
    # Of an organisation its kind alone: many are called by the name of their owner.
    is_body = row.facts["kind"] == Kind.ORGANISATION.value
    shown = mask_organisation(name) if is_body else mask_name(name, hidden="某")
    return (
        "退出公告",
        f"被执行人{shown}（{_case(row)}）的失信信息，已于{_gone_on(row)}依法{_GONE_WORD[State(row.state)]}，不再公布。"
        "任何单位和个人不得继续公布、转载该信息。",
    )


def _clarifying_words(session: Session, row: RecordRow) -> tuple[str, str]:
    """By its public number: of the same case there may be others who are rightly listed, or the same one by a later listing."""
    return (
        "澄清公告",
        f"本院在{_case(row)}案件中曾经公布的编号为{row.number}的失信被执行人信息，系不应纳入而纳入，本院已于{_gone_on(row)}"
        "依法撤销（法释〔2017〕7号第九条）。曾经使用、转载该编号信息的单位和个人，应当立即停止使用并予以删除。"
        f"本公告只涉及该编号的信息{_say_others(session, row)}。",
    )


def _say_others(session: Session, row: RecordRow) -> str:
    """What the clarification says of the others of its case, where the public was shown any; of what it was not shown
    nothing is said."""
    others = [other for other in _list_of_case(session, row) if _was_shown(other)]
    if any(other.identity != row.identity for other in others):
        return "，该案其他被执行人的信息不受影响"
    return "，该案其他编号的信息不受影响" if others else ""


def _list_of_case(session: Session, row: RecordRow) -> list[RecordRow]:
    which = (RecordRow.case_key == row.case_key, RecordRow.id != row.id, RecordRow.number.is_not(None))
    return list(session.scalars(select(RecordRow).where(*which)))


def _case(row: RecordRow) -> str:
    return CaseNumber.parse(str(row.facts["case_number"])).canonical


def _gone_on(row: RecordRow) -> str:
    return day_words(row.departed_on) if row.departed_on else ""
