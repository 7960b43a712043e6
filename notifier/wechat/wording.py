"""What a follower reads. Entries are shown as published, and only from `Document`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from notifier.wechat.texts import MOST_BYTES, cut_text, measure
from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.freshness import Freshness
from search_index.page import Head, Hit, Page

SHOWN = 5
_MOST_ASKED = 30
_MOST_LINK = 240
_MOST_LONG = 120
_SPACE = re.compile(r"\s+")

HELP = """发来姓名、单位名称、案号或者公示编号（SX- 开头），即可查询失信被执行人名单，也可以用语音。
回复“最新”：最近公布的信息
回复“统计”：名单的总数
回复“订阅”：按季接收名单简报（不含姓名）
回复“退订”：不再接收
回复“帮助”：再看一次本说明
查询的内容不保存。不提供对某个人或者某条信息的关注。"""
NOT_FOLLOWED = """不提供对某个人、某家单位或者某条信息的订阅：公布名单是为了供人查询，不是为了持续盯住某一个人；信息依法删除或者撤销以后，也不应再因订阅而流传。
需要时请随时发来姓名或者案号查询。回复“订阅”可以按季接收名单简报（不含姓名）。"""
NOT_HEARD = "没有听清这段语音。请用文字发来姓名、单位名称、案号或者公示编号。"
NOT_READ = "请发来文字或者语音：姓名、单位名称、案号或者公示编号。回复“帮助”查看说明。"
FOLLOWED = "已订阅：每季名单公布后发来简报（不含姓名）。回复“退订”即可取消。"
UNFOLLOWED = "已退订，不再发来简报，订阅记录已经删除。"
NOT_DONE = "暂时未能办理，请稍后再发一次。"
TOO_FAST = "发得太快了，请稍候再发。"
BUSY = "现在查询的人很多，请稍后再发一次。"
NAMESAKES = "同名不同人：姓名相同不等于同一个人，请核对公开的身份号码部分和案号，不要仅凭姓名认定。"
_ONLY_HERE = "本名单只含本院公布的信息；没有查到，不等于在其他法院没有。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the public pages are; without an address no links are given."""

    address: str

    def entry(self, record: str) -> str:
        return f"{self.address}/entries/{record}" if self.address else f"公示编号：{record}"

    def search(self, **asked: str) -> str | None:
        """The page with all that answers; None where there is no site, or the address would be too long."""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        link = f"{self.address}/search?{query}"
        return link if self.address and measure(link) <= _MOST_LINK else None


def tell_silence(found: Freshness) -> str:
    """That the list may be out of date, where it may."""
    if not found.is_silent or found.checked_at is None:
        return ""
    at = found.checked_at.astimezone(SHANGHAI)
    return f"名单最近一次与法院核对是 {at:%Y-%m-%d %H:%M}，此后的变动可能尚未显示，请以法院答复为准。"


# Answers to a search ------------------------------------------------------------------------------------------------


def tell_found(text: str, page: Page, site: Site) -> str:
    """The first entries of an answer that has some, the totals, how to narrow it, and the warning of namesakes."""
    # What is only near is shown where nothing is exact.
    shown = [hit for hit in page.hits if hit.match == "exact"] or list(page.hits)
    head = f"“{shorten(text)}”：{_total(page)}。{_as_of(page)}"
    people = [hit for hit in shown[:SHOWN] if hit.document.kind == "person"]
    return _compose(
        head,
        shown[:SHOWN],
        site,
        lambda count: [_warn(people), _narrow(text, page, count, site)],
    )


def tell_refused(reason: str, site: Site) -> str:
    """Why nothing was looked up, and where somebody can see whether an entry is about themselves."""
    return f"{reason}。" + (f"\n是不是我：{site.address}/check" if site.address else "")


def tell_nothing(text: str, page: Page) -> str:
    """Nothing was found, in a list of which day, and what else could be asked."""
    lines = [f"没有查到“{shorten(text)}”。{_as_of(page)}", _ONLY_HERE]
    if page.suggestions:
        lines.append("可以改查：" + "、".join(f"{shorten(one.text)}（{one.total} 条）" for one in page.suggestions[:3]))
    lines.append("请核对姓名、单位全称或者案号有没有写错，再发一次。")
    return cut_text("\n".join(lines))


def _total(page: Page) -> str:
    if page.total and page.near:
        return f"共 {page.total} 条，另有相近的 {page.near} 条"
    return f"共 {page.total} 条" if page.total else f"没有完全相符的，有相近的 {page.near} 条"


def _warn(people: Sequence[Hit]) -> str:
    if not people:
        return ""
    names = {hit.document.name: hit.namesakes for hit in people if (hit.namesakes or 0) > 1}
    counted = "；".join(f"名单中姓名“{shorten(name)}”的有 {count} 条" for name, count in list(names.items())[:2])
    return f"{NAMESAKES}{counted and counted + '。'}"


def _narrow(text: str, page: Page, count: int, site: Site) -> str:
    if (page.total or page.near) <= count:
        return ""
    link = site.search(q=text)
    where = f"全部结果：{link}" if link else "加上单位全称或者发来完整案号再查"
    return f"以上为前 {count} 条。加上案号或者法院名称可以缩小范围。{where}"


# Other answers ------------------------------------------------------------------------------------------------------


def tell_newest(documents: Sequence[Document], head: Head, site: Site) -> str:
    """The entries published last."""
    if not documents:
        return f"名单中目前没有信息。{_as_of(head)}"
    hits = _as_hits(documents)
    return _compose(f"最近公布的信息。{_as_of(head)}", hits, site, lambda _count: [_warn_if_person(hits)])


def tell_district(district: str, page: Page, site: Site) -> str:
    """The newest entries of a district, and how many it has."""
    name = shorten(district)
    if not page.total:
        return f"{name}目前没有公布的信息。{_as_of(page)}"
    hits = list(page.hits[:SHOWN])
    link = site.search(region=district, sort="newest")
    return _compose(
        f"{name}：共 {page.total} 条，以下为最近公布的。{_as_of(page)}",
        hits,
        site,
        lambda count: [
            _warn_if_person(hits),
            f"全部：{link}" if link and page.total > count else "",
            f"回复“订阅 {name}”可按季接收本地区的简报（不含姓名）。",
        ],
    )


def tell_statistics(page: Page) -> str:
    """How many entries there are, by kind, performance and district. `page` has facets."""
    counts = {facet.field: facet.counts for facet in page.facets}
    kinds = [(_KINDS.get(kind, kind), count) for kind, count in counts.get("kind", ())]
    lines = [f"名单共 {page.total} 条。{_as_of(page)}"]
    for title, values in (
        ("其中", kinds),
        ("履行情况", counts.get("performance", ())),
        ("地区", counts.get("region", ())),
    ):
        if values:
            lines.append(
                f"{title}：" + "、".join(f"{shorten(value)} {count} 条" for value, count in values[:_MOST_COUNTS])
            )
    return cut_text("\n".join(lines))


def tell_digest(label: str, page: Page, site: Site, district: str | None = None) -> str:
    """The digest of a period called `label`, of the whole list or of a district: counts, and not one name. `page` has
    facets."""
    where = f"{shorten(district)}的" if district else ""
    link = site.search(region=district, sort="newest") if district else site.address
    lines = [f"{label}{where}失信被执行人名单已公布。", tell_statistics(page), "发来姓名或者案号即可查询。"]
    if link:
        lines.append(f"名单：{link}")
    return cut_text("\n".join([*lines, "回复“退订”不再接收。"]))


def tell_followed(district: str | None) -> str:
    """That a digest is followed: of the whole list, or of a district."""
    return FOLLOWED if district is None else FOLLOWED.replace("已订阅", f"已订阅“{shorten(district)}”")


def tell_welcome(court: str) -> str:
    """To a new follower."""
    return f"欢迎关注{court}失信被执行人名单公示。\n{HELP}"


_KINDS = {"person": "个人", "organisation": "单位"}
_MOST_COUNTS = 8


# Entries ------------------------------------------------------------------------------------------------------------


def _compose(head: str, hits: Sequence[Hit], site: Site, tell_end: Callable[[int], Iterable[str]]) -> str:
    """`head`, as many of `hits` as can be shown, and what `tell_end` says of that number: the first and the last are
    never cut. One entry is shown whole; several in the fullest form in which all fit."""
    forms = (_FORMS if len(hits) > 1 else (_whole, _whole_but_long, *_FORMS)) if hits else ()
    for form in forms:
        text = _join(head, [form(hit, site) for hit in hits], tell_end)
        if measure(text) <= MOST_BYTES:
            return text
    for count in range(len(hits) - 1, 0, -1):
        text = _join(head, [_brief(hit, site) for hit in hits[:count]], tell_end)
        if measure(text) <= MOST_BYTES:
            return text
    return cut_text(_join(head, [], tell_end))


def _join(head: str, blocks: Sequence[str], tell_end: Callable[[int], Iterable[str]]) -> str:
    numbered = [f"{number}. {block}" if len(blocks) > 1 else block for number, block in enumerate(blocks, 1)]
    return "\n\n".join(part for part in (head, *numbered, *tell_end(len(blocks))) if part)


def _whole_but_long(hit: Hit, site: Site) -> str:
    """Everything, but what is long only in its beginning: the link leads to the rest."""
    document = hit.document
    parts = (document.obligation, document.performed_part, document.unperformed_part)
    obligation, performed, unperformed = (part and _beginning(part) for part in parts)
    short = replace(document, obligation=obligation, performed_part=performed, unperformed_part=unperformed)
    return _whole(replace(hit, document=short), site)


def _beginning(text: str) -> str:
    return text if len(text) <= _MOST_LONG else f"{text[:_MOST_LONG]}…"


def _whole(hit: Hit, site: Site) -> str:
    document = hit.document
    is_partial = document.performance == "部分未履行"
    rows = [
        ("地区", document.region),
        ("立案时间", _day(document.filed_on)),
        ("执行依据文号", document.basis_number),
        ("作出执行依据的单位", document.basis_issuer),
        ("生效法律文书确定的义务", document.obligation),
        ("已履行部分", document.performed_part if is_partial else None),
        ("未履行部分", document.unperformed_part if is_partial else None),
        ("纳入期限届满日", _day(document.term_ends_on)),
    ]
    return _block(hit, [*_middle_rows(document), *rows], site)


def _middle(hit: Hit, site: Site) -> str:
    return _block(hit, _middle_rows(hit.document), site)


def _brief(hit: Hit, site: Site) -> str:
    return _block(hit, _brief_rows(hit.document), site)


_FORMS = (_middle, _brief)
_Rows = list[tuple[str, str | None]]


def _brief_rows(document: Document) -> _Rows:
    number = ("公民身份号码", document.id_number) if document.kind == "person" else ("信用代码", document.uscc)
    return [number, ("案号", document.case_number)]


def _middle_rows(document: Document) -> _Rows:
    return [
        *_brief_rows(document),
        ("法定代表人或者负责人", document.legal_representative),
        ("执行法院", document.court),
        ("情形", "；".join(item.text for item in document.conduct)),
        ("履行", document.performance),
        ("公布", _day(document.published_on)),
    ]


def _block(hit: Hit, rows: _Rows, site: Site) -> str:
    lines = [_title(hit.document)]
    if hit.match == "near":
        lines.append(f"（相近：{_line(hit.reason or '与所查的不完全相同')}）")
    lines += [f"{label}：{_line(value)}" for label, value in rows if value]
    return "\n".join([*lines, site.entry(hit.document.record)])


def _title(document: Document) -> str:
    age = None if document.age is None else f"公布时{document.age}岁"
    about = "，".join(part for part in (document.latin_name, document.gender, age) if part)
    return _line(f"{document.name}（{about}）" if about else document.name)


def _as_hits(documents: Iterable[Document]) -> list[Hit]:
    return [Hit(document=document, match="exact", found_in="filters") for document in documents]


def _warn_if_person(hits: Iterable[Hit]) -> str:
    return NAMESAKES if any(hit.document.kind == "person" for hit in hits) else ""


def _as_of(read: Head | Page) -> str:
    if read.updated_at is None:
        return "名单尚未公布。"
    local = read.updated_at.astimezone(SHANGHAI)
    return f"名单更新于{_day(local)} {local:%H:%M}。{tell_silence(read.freshness)}"


def _day(value: date | None) -> str | None:
    return None if value is None else f"{value.year}年{value.month}月{value.day}日"


def _line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def shorten(text: str) -> str:
    """What was typed, in one short line."""
    line = _line(text)
    return line if len(line) <= _MOST_ASKED else line[: _MOST_ASKED - 1] + "…"
