"""Is this line an entry that is here already? Same debtor in the same case is one record (issue of identity, not of names)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.deadlines import add_months
from registry.record import Facts, State
from registry.values import CitizenNumber, MaskedNumber, OrganisationCode, OtherNumber, Uscc

APPLICANT_REQUEST = "applicant_request"
SOURCE_GONE, SOURCE_ENDED = "source_gone", "source_ended"
_BAR_MONTHS = 6


def end_of_bar(departed_on: date) -> date:
    """The last day on which somebody removed at the applicant's request is not listed again at theirs (art. 10 ¶4)."""
    return add_months(departed_on, _BAR_MONTHS)


def identity_of(facts: Facts) -> str:
    """What makes two lines of one case the same debtor. To be digested, never stored.

    An organisation is known by its organisation code, which a unified code contains (GB 32100 positions 9–17); a
    masked number identifies only together with the name.
    """
    number = facts.uscc if facts.uscc is not None else facts.id_number
    if isinstance(number, MaskedNumber):
        return f"person|{number.text}|{facts.name}"
    if number is None:
        return "person|"
    return identity_of_number(number)


def identity_of_number(number: CitizenNumber | OtherNumber | Uscc | OrganisationCode) -> str:
    """What a whole number says of who it is. To be digested, never stored."""
    if isinstance(number, Uscc):
        return f"organisation|{number.text[8:17]}"
    if isinstance(number, OrganisationCode):
        return f"organisation|{number.text.replace('-', '')}"
    return f"person|{number.text}"


def likeness_of(facts: Facts) -> str:
    """What every version of this debtor's number shows, masked or not. To be digested, never stored."""
    if facts.id_number is None:
        return identity_of(facts)
    return likeness_of_number(facts.name, facts.id_number.text)


def likeness_of_number(name: str, number: str) -> str:
    """What every version of a number under a name shows. To be digested, never stored."""
    return f"person|{name}|{number[:6]}|{number[-2:]}"


def is_masked(facts: Facts) -> bool:
    return isinstance(facts.id_number, MaskedNumber)


def is_same_debtor(facts: Facts, known: Facts) -> bool:
    """Whether two versions can be of one debtor: the same number, or, where one is masked, one that it agrees with."""
    if identity_of(facts) == identity_of(known):
        return True
    if facts.name != known.name or not (is_masked(facts) or is_masked(known)):
        return False
    shown, other = (number.text if number else "" for number in (facts.id_number, known.id_number))
    return len(shown) == len(other) and all("*" in (a, b) or a == b for a, b in zip(shown, other, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is here already of the debtor in the case that a line is about: the newest listing.

    `was_public` is whether the public ever saw it; `alike` counts the debtors a masked number fits, 1 for a full one.
    `source` is the list of another court that it was taken over from; None for the court's own.
    """

    id: int
    state: State
    name: str
    listing: int
    source_digest: str
    in_this_file: bool
    departed_on: date | None
    departed_ground: str | None
    was_public: bool = False
    alike: int = 1
    source: str | None = None


@dataclass(frozen=True, slots=True)
class New:
    listing: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    pass


@dataclass(frozen=True, slots=True)
class Proposal:
    record_id: int


@dataclass(frozen=True, slots=True)
class Conflict:
    field: str
    reason: str


Verdict = New | Unchanged | Proposal | Conflict
_TOO_MANY = Conflict("id_number", "本案中有不止一名被执行人与所填的掩码号码相符，无法确定是哪一名：请填写完整号码")


def judge(facts: Facts, digest: str, known: Known | None, proposed: frozenset[str]) -> Verdict:
    """What a line means beside what is known. `proposed` holds the digests of versions already proposed for it."""
    if known is None:
        return New(listing=0)
    if known.source is not None:
        return _judge_beside_foreign(facts, known)
    if digest == known.source_digest or digest in proposed:
        return Unchanged()
    if conflict := _find_conflict(facts, known):
        return conflict
    return _judge_relisting(facts, known) if known.state.has_departed else Proposal(known.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A file of another court's list: the list, whether the file is the whole of it, and the name of the court here, whose
    own entries are in no such list."""

    source: str
    whole: bool
    own_court: str


def judge_foreign(
    facts: Facts, digest: str, known: Known | None, proposed: frozenset[str], foreign: Foreign
) -> Verdict:
    """What a line of another court's list means beside what is known. What the court here listed itself, whatever became of
    it, is never taken over, and nothing is shown from two lists."""
    if facts.court == foreign.own_court:
        return Conflict("court", "执行法院为本院：本院列入的条目请按本院的记录导入，不转载")
    if known is None:
        return New(listing=0)
    if known.source is None:
        return Conflict("case_number", "本院已有同一案件的该被执行人：以本院的记录为准，不转载")
    if known.state.has_departed:
        return _find_conflict(facts, known) or _judge_return(facts, known, foreign)
    if known.source != foreign.source:
        return Conflict("case_number", "该条目已从另一份名单转载：不重复公布")
    is_known = digest == known.source_digest or digest in proposed
    return Unchanged() if is_known else _find_conflict(facts, known) or Proposal(known.id)


def _judge_beside_foreign(facts: Facts, known: Known) -> New | Conflict:
    """A line of the court's own file about whom another court's list names: the own record is listed, and takes its place
    when it is published (publishing.py)."""
    if known.alike > 1:
        return _TOO_MANY
    if known.state.has_departed and known.departed_ground == SOURCE_GONE:
        return _judge_relisting(facts, known)
    return New(listing=known.listing + 1)


def _judge_return(facts: Facts, known: Known, foreign: Foreign) -> New | Conflict:
    """Who left with a list comes back with it: where the list itself had ended, or where it names them anew as a whole."""
    returns = known.departed_ground == SOURCE_GONE and known.source == foreign.source and foreign.whole
    if returns or known.departed_ground == SOURCE_ENDED:
        return New(listing=known.listing + 1)
    return _judge_relisting(facts, known)


def _find_conflict(facts: Facts, known: Known) -> Conflict | None:
    if known.alike > 1:
        return _TOO_MANY
    if known.in_this_file:
        return Conflict("case_number", "同一文件中已有同一案件的同一被执行人，且内容不同：请只保留正确的一行")
    if facts.name != known.name and not known.state.has_departed:
        return Conflict(
            "name", "与已有记录案号、证件号码相同而姓名或名称不同：姓名和号码不得更正，确属列错人的应撤销后重新列入"
        )
    return None


def _judge_relisting(facts: Facts, known: Known) -> New | Conflict:
    # Nobody was listed by a draft that was thrown away: there is nothing to come back from.
    if known.state is State.WITHDRAWN and not known.was_public:
        return New(listing=known.listing + 1)
    if known.departed_on is None or facts.decided_on is None or facts.decided_on <= known.departed_on:
        return Conflict(
            "decided_on",
            "该被执行人在本案中已退出名单，导入不能使其恢复；重新列入须有退出之后作出的决定（法释〔2017〕7号第十条第三款）",
        )
    if known.departed_ground == APPLICANT_REQUEST and facts.decided_on <= end_of_bar(known.departed_on):
        return Conflict(
            "decided_on",
            "因申请执行人申请而删除未满六个月，不得依其申请再次列入（法释〔2017〕7号第十条第四款）；"
            "确需依职权列入的，请满六个月后办理或由审核人在案卷中另行决定",
        )
    return New(listing=known.listing + 1)


# A wrong person is withdrawn and listed anew, never corrected into another.
FIXED_FIELDS: frozenset[str] = frozenset({"name", "id_number", "uscc", "case_number", "kind"})
