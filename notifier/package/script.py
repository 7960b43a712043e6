"""播报稿.docx: what a newsreader reads, a paragraph an entry, and how long it takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifier.package.edition import (
    Edition,
    chinese_date,
    count_kinds,
    describe_person,
    edition_line,
    flatten,
    last_day_of_entry,
    title,
    training_mark,
    usage_notice,
)
from notifier.package.reading import annotate
from notifier.package.word import Paragraph, Run, build_docx, heading, text
from search_index.document import Document

CHARACTERS_A_SECOND = 4
_SMALL_HOUR = 3600


def build_script(edition: Edition, documents: Sequence[Document]) -> bytes:
    name = f"{title(edition)}播报稿"
    return build_docx(edition, name, list(_blocks(edition, documents, name)), points=15)


def opening(edition: Edition, documents: Sequence[Document]) -> str:
    """What is read first: who publishes, by which article (民事诉讼法 art. 266; 法释〔2017〕7号 arts. 1, 7), how many."""
    counts = count_kinds(documents)
    court = edition.profile.court
    start = f"受{court}委托，现播报该院" if edition.commission_number else f"现播报{court}"
    return (
        f"{training_mark(edition)}{start}{edition.period.label}失信被执行人名单。"
        "依照《中华人民共和国民事诉讼法》第二百六十六条、《最高人民法院关于公布失信被执行人名单信息的若干规定》第七条，"
        "人民法院将未履行生效法律文书确定的义务、具有法定失信情形的被执行人纳入失信被执行人名单，向社会公布。"
        f"本期共{counts['total']}名，其中自然人{counts['person']}名，法人或者其他组织{counts['organisation']}名。"
    )


def closing(edition: Edition) -> str:
    """What is read last: namesakes, art. 11 of 法释〔2017〕7号, where to look and whom to call."""
    profile = edition.profile
    newest = (
        f"最新名单请在{profile.court}公示网站免费查询。" if profile.website else f"最新名单请向{profile.court}查询。"
    )
    call = f"联系电话{profile.telephone}。" if profile.telephone else ""
    return (
        f"{training_mark(edition)}以上信息以人民法院公布的最新名单为准。同名不同人的情况难以避免，请以公布的证件号码和案号区分。"
        "被纳入名单的公民、法人或者其他组织认为不应纳入、信息不准确或者应当删除的，"
        "可以依照《最高人民法院关于公布失信被执行人名单信息的若干规定》第十一条，向执行法院书面申请纠正。"
        f"{newest}{call}"
    )


def spoken(document: Document) -> str:
    """What is read of an entry, without readings of characters."""
    return "".join(_sentences(document, document.name, document.legal_representative))


def estimate_seconds(words: str) -> int:
    """About how long it takes to read `words`: four characters a second; punctuation and what is not seen take none."""
    return -(-sum(1 for character in words if character.isalnum()) // CHARACTERS_A_SECOND)


def _blocks(edition: Edition, documents: Sequence[Document], name: str) -> Iterator[Paragraph]:
    start, end = opening(edition, documents), closing(edition)
    lengths = [estimate_seconds(spoken(document)) for document in documents]
    total = sum(lengths, estimate_seconds(start) + estimate_seconds(end))
    yield text(name, "title", alignment="center")
    yield text(edition_line(edition, len(documents)), "small", alignment="center")
    yield text(usage_notice(edition), "warning")
    yield text(
        f"全稿约{_duration(total)}（每秒{CHARACTERS_A_SECOND}字估计）。括号内的拼音不读出：一级字表以外的字、读音特殊的姓氏注拼音。"
        "灰色小字不播出。收到法院撤回或者更正通知的条目，立即停止播报、重播。",
        "small",
    )
    yield heading("【开场】")
    yield text(start, indent=True)
    yield heading("【名单】")
    if not documents:
        yield text("本期没有可以公布的条目。", indent=True)
    for number, (document, seconds) in enumerate(zip(documents, lengths, strict=True), start=1):
        yield _entry(edition, number, document, seconds)
    yield heading("【结束】")
    yield text(end, indent=True)


def _entry(edition: Edition, number: int, document: Document, seconds: int) -> Paragraph:
    name = annotate(flatten(document.name), person=document.kind == "person")
    head = document.legal_representative
    told = _sentences(document, name, head and annotate(flatten(head), person=True))
    end = _note_end(edition, document)
    runs = (
        Run(f"{number}．", "bold"),
        Run(next(told), "bold"),
        Run("".join(told)),
        Run(f"　[{document.record}，约{seconds}秒]", "small"),
        *((Run(end, "warning"),) if end else ()),
    )
    return Paragraph(runs=runs, keep=True)


def _sentences(document: Document, name: str, head: str | None) -> Iterator[str]:
    """The name first, then the sentences that follow it."""
    yield name
    number = "证件号码" if document.kind == "person" else "统一社会信用代码或者组织机构代码"
    facts = (
        describe_person(document),
        (document.id_number or document.uscc) and f"{number}{document.id_number or document.uscc}",
        head and f"法定代表人或者负责人{head}",
    )
    yield "".join(f"，{fact}" for fact in facts if fact) + "。"
    yield f"{flatten(document.court)}执行" + _maybe("，案号{}", document.case_number) + "。"
    if document.obligation:
        yield f"生效法律文书确定的义务：{_stopped(document.obligation)}"
    parts = (document.performance, document.performed_part, document.unperformed_part)
    yield f"履行情况：{_stopped('，'.join(part for part in parts if part))}"
    if document.conduct:
        yield f"失信行为：{_stopped('；'.join(conduct.text for conduct in document.conduct))}"


def _maybe(pattern: str, value: str | None) -> str:
    return pattern.format(flatten(value)) if value else ""


def _stopped(words: str) -> str:
    """`words` on one line, ending in one full stop."""
    return flatten(words).rstrip("。；，.;, ") + "。"


def _note_end(edition: Edition, document: Document) -> str:
    last = last_day_of_entry(document, edition)
    return f"　此条{chinese_date(last)}后不得播出" if last else ""


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, _SMALL_HOUR)
    minutes, rest = divmod(rest, 60)
    parts = (hours and f"{hours}小时", minutes and f"{minutes}分", rest and f"{rest}秒")
    return "".join(part for part in parts if part) or "0秒"
