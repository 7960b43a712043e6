"""Feeds as text: Atom (RFC 4287) with deleted entries (RFC 6721) and archives (RFC 5005), JSON Feed 1.1, and the description
of the search (OpenSearch 1.1). Pure.

An entry says who is listed, by which court, in which case and for what conduct; no digit of an identity number is in it. Of
what left, nothing is said but its public number and when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from portal.presentation import moment
from search_index.document import Document
from search_index.freshness import FRESH, Freshness
from search_index.journal import ChangeType
from search_index.newest import Block, News
from search_index.profile import Profile

ATOM = "http://www.w3.org/2005/Atom"
DELETED = "http://purl.org/atompub/tombstones/1.0"
HISTORY = "http://purl.org/syndication/history/1.0"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
ATOM_TYPE, JSON_TYPE = "application/atom+xml", "application/feed+json"
OPENSEARCH_TYPE = "application/opensearchdescription+xml"
# RFC 4151: the authority held its name in this year.
_SINCE = "2026"
_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
_TITLE = "失信被执行人名单"
_SUBTITLE = "新公布、更正和撤下的信息。姓名相同不等于同一个人；信息撤下后应当停止传播并删除。"
_GONE = "该信息已依法不再公示。转载、保存过的，应当停止传播并删除。"
# XML 1.0 has no place for these, and a name has no use for them.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_SHORT, _MOST_LONG = 16, 48  # characters, OpenSearch 1.1
# The names in a document are written with these prefixes, and Atom is without one.
_SPACES = {"xmlns": ATOM, "xmlns:at": DELETED, "xmlns:fh": HISTORY, "xml:lang": "zh-CN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a feed is and what it belongs to: the address of the site, and of its terms; the court's profile; how the list may
    be shown."""

    public_url: str
    license: str
    profile: Profile
    freshness: Freshness = FRESH

    @property
    def subtitle(self) -> str:
        if not self.freshness.is_silent:
            return _SUBTITLE
        return f"{_SUBTITLE}名单最近一次与法院核对是{moment(self.freshness.checked_at)}；此后的变动可能尚未显示。"

    @property
    def author(self) -> str:
        return self.profile.court or "人民法院"

    @property
    def title(self) -> str:
        training = "【演练】" if self.profile.training else ""
        return f"{training}{self.profile.court}{_TITLE}"

    def identify(self, what: str) -> str:
        """The id of an entry or of a feed, which stays the same for ever (RFC 4151)."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return f"tag:{host.replace(':', '.')},{_SINCE}:gongshi/{what}"

    def address(self, path: str) -> str:
        return f"{self.public_url}{path}"


def build_atom(news: tuple[News, ...], place: Place, last_block: int | None) -> bytes:
    """The newest changes. `last_block` is the number of the newest archive; None where there is none."""
    feed = _start_atom(news, place, "/feed.atom")
    _link(feed, "alternate", place.address("/feed.json"), JSON_TYPE)
    if last_block is not None:
        _link(feed, "prev-archive", place.address(f"/feed/archive/{last_block}.atom"), ATOM_TYPE)
    for one in news:
        feed.append(_build_deleted(one, place) if one.entry is None else _build_entry(one, one.entry, place))
    return _write(feed)


def build_archive(block: Block, number: int, place: Place, watermark: str) -> bytes:
    """The entries of a block that may be seen now: it is made when it is read, so who left is not in it. `watermark` names
    the reader that it is made for."""
    path = f"/feed/archive/{number}.atom"
    feed = _start_atom(block.entries, place, path)
    _link(feed, "current", place.address("/feed.atom"), ATOM_TYPE)
    for rel, other in (("prev-archive", block.before), ("next-archive", block.after)):
        if other is not None:
            _link(feed, rel, place.address(f"/feed/archive/{other}.atom"), ATOM_TYPE)
    ET.SubElement(feed, "fh:archive")
    ET.SubElement(feed, "category", {"term": watermark, "scheme": place.identify("watermark"), "label": "水印"})
    for one in block.entries:
        if one.entry is not None:
            feed.append(_build_entry(one, one.entry, place))
    return _write(feed)


def build_json_feed(news: tuple[News, ...], place: Place) -> dict[str, Any]:
    """The same for JSON Feed 1.1. What left is an item without any word of it, so that a reader that kept it writes over."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": place.title,
        "home_page_url": place.address("/"),
        "feed_url": place.address("/feed.json"),
        "description": place.subtitle,
        "language": "zh-CN",
        "authors": [{"name": place.author, "url": place.address("/")}],
        "_gongshi": {"license": place.license, **_tell_checked(place.freshness)},
        "items": [_build_item(one, place) for one in news],
    }


def build_opensearch(place: Place, icon: str) -> bytes:
    """The description of the search for a browser's box. `icon` is the address of a picture (SVG)."""
    root = ET.Element("OpenSearchDescription", {"xmlns": OPENSEARCH})
    _os(root, "ShortName", _TITLE[:_MOST_SHORT])
    _os(root, "LongName", place.title[:_MOST_LONG])
    _os(root, "Description", f"查询{place.title}：姓名、单位名称、执行案号或者编号。请不要输入身份证号码。")
    _os(root, "Image", icon, type="image/svg+xml", width="64", height="64")
    _os(root, "Url", None, type="text/html", method="get", template=place.address("/search?q={searchTerms}"))
    _os(root, "Url", None, type=OPENSEARCH_TYPE, rel="self", template=place.address("/opensearch.xml"))
    _os(root, "Language", "zh-CN")
    _os(root, "InputEncoding", "UTF-8")
    _os(root, "OutputEncoding", "UTF-8")
    return _write(root)


def _tell_checked(found: Freshness) -> dict[str, Any]:
    # Only where it matters: a feed stays the same, and so does its ETag, until the list is another.
    if not found.is_silent or found.checked_at is None:
        return {}
    return {"checked_at": _time(found.checked_at), "stale": True}


def _start_atom(news: tuple[News, ...], place: Place, path: str) -> ET.Element:
    feed = ET.Element("feed", _SPACES)
    _text(feed, "id", place.identify("list"))
    _text(feed, "title", place.title)
    _text(feed, "subtitle", place.subtitle)
    _text(feed, "updated", _time(max((one.at for one in news), default=_NEVER)))
    _add_author(feed, place.author)
    _link(feed, "self", place.address(path), ATOM_TYPE)
    _link(feed, "alternate", place.address("/"), "text/html")
    _link(feed, "license", place.license, "text/html")
    _text(feed, "rights", "免费，不得用于营利活动；信息不再公示的，应当在一个工作日内停止使用并删除。")
    _text(feed, "generator", "公示")
    return feed


def _build_entry(one: News, document: Document, place: Place) -> ET.Element:
    entry = ET.Element("entry")
    _text(entry, "id", place.identify(one.record))
    _text(entry, "title", _name(document))
    _text(entry, "updated", _time(one.at))
    _text(entry, "published", f"{document.published_on.isoformat()}T00:00:00+08:00")
    _add_author(entry, document.court)
    _link(entry, "alternate", place.address(f"/entries/{one.record}"), "text/html")
    category = {"term": one.type.value, "label": "更正" if one.type is ChangeType.CORRECTED else "公布"}
    ET.SubElement(entry, "category", category)
    _text(entry, "content", _describe(document), type="text")
    return entry


def _build_deleted(one: News, place: Place) -> ET.Element:
    given = {"ref": place.identify(one.record), "when": _time(one.at)}
    deleted = ET.Element("at:deleted-entry", given)
    comment = ET.SubElement(deleted, "at:comment")
    comment.text = _GONE
    return deleted


def _build_item(one: News, place: Place) -> dict[str, Any]:
    item: dict[str, Any] = {"id": place.identify(one.record)}
    told: Mapping[str, str] = {"type": one.type.value, "record": one.record}
    if one.entry is None:
        return {**item, "content_text": _GONE, "date_modified": _time(one.at), "_gongshi": told}
    document = one.entry
    return {
        **item,
        "url": place.address(f"/entries/{one.record}"),
        "title": _clean(_name(document)),
        "content_text": _clean(_describe(document)),
        "date_published": f"{document.published_on.isoformat()}T00:00:00+08:00",
        "date_modified": _time(one.at),
        "authors": [{"name": _clean(document.court)}],
        "_gongshi": told,
    }


def _name(document: Document) -> str:
    return f"{document.name}（{document.court}）"


def _describe(document: Document) -> str:
    """What the feed says of an entry: nothing by which a number could be found out."""
    lines = [
        ("姓名" if document.kind == "person" else "名称", document.name),
        ("执行法院", document.court),
        ("转载自", document.origin),
        ("执行案号", document.case_number),
        ("履行情况", document.performance),
        ("失信行为", "；".join(item.text for item in document.conduct)),
    ]
    told = "\n".join(f"{label}：{value}" for label, value in lines if value)
    return f"{told}\n姓名相同不等于同一个人，以网页现在的内容为准。"


def _text(parent: ET.Element, name: str, text: str, **given: str) -> None:
    ET.SubElement(parent, name, given).text = _clean(text)


def _os(parent: ET.Element, name: str, text: str | None, **given: str) -> None:
    ET.SubElement(parent, name, given).text = text and _clean(text)


def _link(parent: ET.Element, rel: str, href: str, media: str) -> None:
    ET.SubElement(parent, "link", {"rel": rel, "type": media, "href": href})


def _add_author(parent: ET.Element, name: str) -> None:
    author = ET.SubElement(parent, "author")
    _text(author, "name", name)


def _clean(text: str) -> str:
    return _NO_XML.sub("", text)


def _time(at: datetime) -> str:
    return at.isoformat()


def _write(root: ET.Element) -> bytes:
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body
