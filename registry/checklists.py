"""The checklist of art. 3 (法释〔2017〕7号): four questions for each record that is listed for refusing though able.

The answers are one reader's, of one version of a record; whoever approves must have answered all four of the very version
that is approved, and each with no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.facts_json import facts_to_json
from registry.record import Conduct, Facts
from registry.records import source_digest
from registry.tables import ChecklistRow, RecordRow
from registry.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reviewer answers with yes or no, and the article that asks it."""

    code: str
    text: str
    article: str


QUESTIONS = (
    Question(
        code="guaranteed",
        text="被执行人是否已提供充分有效担保？",
        article="法释〔2017〕7号第三条第（一）项",
    ),
    Question(
        code="seized",
        text="已被采取查封、扣押、冻结等措施的财产，是否足以清偿生效法律文书确定的债务？",
        article="法释〔2017〕7号第三条第（二）项",
    ),
    Question(
        code="later_in_order",
        text="被执行人的履行顺序是否在后，对其依法不应强制执行？",
        article="法释〔2017〕7号第三条第（三）项",
    ),
    Question(
        code="otherwise",
        text="是否有其他不属于有履行能力而拒不履行生效法律文书确定义务的情形？",
        article="法释〔2017〕7号第三条第（四）项",
    ),
)


class Unanswered(ValueError):
    """A question was left open, or answered with something else than yes or no. The message names it."""


def is_asked(facts: Facts) -> bool:
    """Whether art. 3 has to be gone through: it bars a listing under art. 1 (1) only."""
    return Conduct.REFUSES_THOUGH_ABLE in facts.conduct


def read_answers(typed: Mapping[str, str]) -> dict[str, bool]:
    """The four answers of a form: `yes` or `no` by the question's code. Raises Unanswered."""
    answers = {}
    for question in QUESTIONS:
        answer = typed.get(question.code)
        if answer not in ("yes", "no"):
            raise Unanswered(f"请逐项回答，尚未回答：{question.text}（{question.article}）")
        answers[question.code] = answer == "yes"
    return answers


def bars(answers: Mapping[str, bool]) -> tuple[Question, ...]:
    """The questions whose answer stands against a listing."""
    return tuple(question for question in QUESTIONS if answers.get(question.code))


def is_clear(answers: Mapping[str, bool] | None) -> bool:
    """Whether all four were answered with no."""
    return answers is not None and all(answers.get(question.code) is False for question in QUESTIONS)


def keep_answers(
    session: Session, vault: Vault, row: RecordRow, facts: Facts, answers: Mapping[str, bool], acting: Acting
) -> None:
    """Keep what `acting.actor` answered of this version; a second answer takes the place of the first, both are in the
    audit trail."""
    kept = _find(session, vault, facts, acting.actor)
    if kept is None:
        session.add(
            ChecklistRow(version=_version(facts, vault), reader=acting.actor, answers=dict(answers), at=acting.now)
        )
    else:
        kept.answers, kept.at = dict(answers), acting.now
    session.flush()
    detail = {"answers": dict(answers), "article": "法释〔2017〕7号第三条"}
    audit.note(session, acting.now, acting.actor, "checklist", record=row.id, detail=detail)


def find_answers(session: Session, vault: Vault, facts: Facts, reader: str) -> Mapping[str, bool] | None:
    """What `reader` answered of this version; None where nothing."""
    kept = _find(session, vault, facts, reader)
    return kept.answers if kept else None


def _find(session: Session, vault: Vault, facts: Facts, reader: str) -> ChecklistRow | None:
    query = select(ChecklistRow).where(ChecklistRow.version == _version(facts, vault), ChecklistRow.reader == reader)
    return session.scalar(query)


def _version(facts: Facts, vault: Vault) -> str:
    return source_digest(facts_to_json(facts), vault)
