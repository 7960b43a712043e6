"""The part of the description of the open API that tells of feeds, of what screens read, and of whether the site is ready."""

from __future__ import annotations

from portal.display_words import MOST_ROWS, ROWS
from portal.feed_words import ATOM_TYPE, JSON_TYPE, OPENSEARCH_TYPE
from portal.parameters import CONDUCT, KINDS, PERFORMANCE
from portal.problems import build_problem
from portal.schema import (
    CHECKED,
    COUNT,
    DAY,
    LICENSE,
    MODE,
    RECORD,
    STALE,
    TEXT,
    TIME,
    WORDS,
    Json,
    build_object,
    build_ok,
    build_parameter,
)

_ADDRESS: Json = {**TEXT, "format": "uri"}
_WALL = "给屏幕用，不得保存：屏幕每两秒看一次 mark，变了就重新取。"
_BLOCK: Json = {
    "name": "block",
    "in": "path",
    "required": True,
    "description": "第几份存档，从 1 起；地址在 Atom 的 prev-archive 中",
    "schema": {**TEXT, "pattern": "^[1-9][0-9]{0,7}$"},
}
_SCREEN = (
    build_parameter("kind", "自然人或者单位", {**TEXT, "enum": list(KINDS)}),
    build_parameter("court", "执行法院全称", WORDS),
    build_parameter("region", "地区", WORDS),
    build_parameter("conduct", "失信行为的代码", {**TEXT, "enum": list(CONDUCT)}),
    build_parameter("performance", "履行情况", {**TEXT, "enum": list(PERFORMANCE)}),
    build_parameter("from", "公布时间不早于", DAY),
    build_parameter("to", "公布时间不晚于", DAY),
    build_parameter("rows", "每屏行数", {"type": "integer", "minimum": 3, "maximum": MOST_ROWS, "default": ROWS}),
    build_parameter("seconds", "每屏秒数；对本答复没有作用", {"type": "integer", "minimum": 4, "maximum": 120}),
    build_parameter("page", "第几屏", {"type": "integer", "minimum": 1, "maximum": 999999, "default": 1}),
    MODE,
)
_MARK: Json = {**TEXT, "pattern": "^[0-9a-f]{16}$", "description": "名单没有变化时不变"}
_LINE = build_object(
    {
        "name": TEXT,
        "number": {**TEXT, "description": "遮盖后的公民身份号码，或者代码；没有的为空"},
        "case_number": TEXT,
        "conduct": TEXT,
        "court": TEXT,
        "sizes": {"type": "array", "items": COUNT, "minItems": 3, "maxItems": 3, "description": "字要缩小几级"},
        "left": {"type": ["integer", "null"], "minimum": 0, "description": "多少毫秒以后不得再显示；不知道的为 null"},
    }
)
_TOLD = build_object({"type": {**TEXT, "enum": ["published", "corrected", "gone"]}, "record": RECORD})
_ITEM: Json = {
    **build_object({"id": TEXT, "content_text": TEXT, "date_modified": TIME, "_gongshi": _TOLD}),
    "description": "不再公示的没有其余成员，阅读器原有的内容由此盖去",
}
_ABOUT: Json = build_object({"license": LICENSE})
_ABOUT["properties"] |= {
    "checked_at": {**CHECKED, "description": f"仅在有 stale 时有；{CHECKED['description']}"},
    "stale": STALE,
}
_ITEM["properties"] |= {
    "url": _ADDRESS,
    "title": TEXT,
    "date_published": TIME,
    "authors": {"type": "array", "items": build_object({"name": TEXT})},
}
SCHEMAS: Json = {
    "Feed": build_object(
        {
            "version": {"const": "https://jsonfeed.org/version/1.1"},
            "title": TEXT,
            "home_page_url": _ADDRESS,
            "feed_url": _ADDRESS,
            "description": TEXT,
            "language": TEXT,
            "authors": {"type": "array", "items": build_object({"name": TEXT, "url": _ADDRESS})},
            "_gongshi": _ABOUT,
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/FeedItem"}},
        }
    ),
    "FeedItem": _ITEM,
    "Slide": build_object(
        {
            "page": {"type": "integer", "minimum": 1},
            "pages": COUNT,
            "total": COUNT,
            "updated": {**TEXT, "description": "名单最后更新的时间，给人看的"},
            "today": TEXT,
            "mark": _MARK,
            "lines": {"type": "array", "items": _LINE},
        }
    ),
    "Mark": build_object({"mark": _MARK}),
}


SCHEMAS["Slide"]["properties"]["state"] = {**TEXT, "description": "仅在名单暂停显示时有：照此显示，没有一条信息"}


def _refer(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _tell_people(*statuses: int) -> Json:
    """What went wrong, told as a page: at these addresses a browser asks as well."""
    content = {"text/html": {"schema": TEXT}}
    return {str(status): {"description": build_problem(status).title, "content": content} for status in statuses}


def _give(
    name: str,
    summary: str,
    media: str,
    schema: Json,
    *,
    text: str = "",
    parameters: tuple[Json, ...] = (MODE,),
    refusals: tuple[int, ...] = (429, 503),
) -> Json:
    described = {"description": text} if text else {}
    return {
        "operationId": name,
        "summary": summary,
        **described,
        "parameters": list(parameters),
        "responses": {
            "200": build_ok(summary, schema, media=media),
            "302": {"description": "网址上有微信附加的参数：没有这些参数的地址在 Location 中"},
            "304": {"description": "与 If-None-Match 所指的相同"},
            **_tell_people(400, *refusals, 500),
        },
    }


def _archive() -> Json:
    text = "每份存档是一段连续的信息，读取时现做，不再公示的不在其中。密钥也可以作为 HTTP Basic 的密码。"
    parameters = (_BLOCK, MODE)
    found = _give("getArchive", "存档（Atom）", ATOM_TYPE, TEXT, text=text, parameters=parameters)
    responses = {name: told for name, told in found["responses"].items() if name != "304"}
    responses["200"] = {"description": "存档", "content": {ATOM_TYPE: {"schema": TEXT}}}
    return {
        **found,
        "security": [{"readerKey": []}, {"feedReader": []}],
        "responses": {**responses, **_tell_people(401, 403, 404)},
    }


_READY = build_object({"status": {"const": "ok"}, "sequence": COUNT})

PATHS: Json = {
    "/feed.atom": {
        "get": _give("getAtom", "新公布和撤下的信息（Atom）", ATOM_TYPE, TEXT, text="RFC 4287、5005、6721。")
    },
    "/feed.json": {"get": _give("getJsonFeed", "新公布和撤下的信息（JSON Feed 1.1）", JSON_TYPE, _refer("Feed"))},
    "/feed/archive/{block}.atom": {"get": _archive()},
    "/opensearch.xml": {
        "get": _give("getOpenSearch", "浏览器搜索框的说明（OpenSearch 1.1）", OPENSEARCH_TYPE, TEXT, refusals=(503,))
    },
    "/display/led.json": {
        "get": _give("getSlide", "大厅屏幕的一屏", "application/json", _refer("Slide"), text=_WALL, parameters=_SCREEN)
    },
    "/display/mark.json": {"get": _give("getMark", "名单是否有变化", "application/json", _refer("Mark"), text=_WALL)},
    "/healthz": {
        "get": _give(
            "getHealth", "服务是否在运行", "application/json", build_object({"status": {"const": "ok"}}), refusals=()
        )
    },
    "/readyz": {"get": _give("getReadiness", "名单是否可以读取", "application/json", _READY, refusals=(503,))},
}
# What stands on a wall is never kept, so it has no version to ask by.
for _path in ("/display/led.json", "/display/mark.json"):
    _get = PATHS[_path]["get"]
    del _get["responses"]["304"], _get["responses"]["200"]["headers"]
