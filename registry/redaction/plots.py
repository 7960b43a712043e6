"""Pieces of land that have a name of their own, which no road or village need be named for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.court_words import ORDINARY
from registry.redaction.place_parts import L
from registry.redaction.place_words import GENERIC
from registry.redaction.vocabulary import HAN, Named

# What a piece of land is called, which no road or village need be named for.
_LAND = "地块|宗地|地名|小地名|土名|地块名|自留山|自留地|争议地|承包地|责任田|责任地|耕地|旱地|水田|林地|山场|山林|荒山|荒坡|果园|茶园|草场|鱼塘|地|田|山|坡|塘"
_OPEN, _CLOSED = '[“"‘「『]', '[”"’」』]'
_NAME_OF_LAND = rf"{_OPEN}[{HAN}A-Za-z0-9]{{2,10}}{_CLOSED}"
_QUOTED = re.compile(
    rf"(?:{_LAND}|位于|坐落于|坐落在|互换|耕种|种植)(?:名称|名|为|叫|称|是|系|俗称|土名)?[:：]?(?:{_NAME_OF_LAND}[、和与]?)+"
    rf"|(?:{_NAME_OF_LAND}[、和与]?)+(?=的?[一二两三四五六几]?[块处片丘宗]|的?(?:{_LAND}))"
)
_INSIDE = re.compile(rf"{_OPEN}(?P<x>[{HAN}A-Za-z0-9]{{2,10}}){_CLOSED}")
_LAND_ENDS = "坝沟坡湾岗坪坳冲洼滩塬梁峁垄畈埂壕嘴荡圩垸塝墩坎坑窝岭崖根背田地塘"
_PLOT = re.compile(
    rf"(?:将|把|位于|坐落于|在|进入|收回|退还|返还|交还|交回|承包|耕种|发包给\x01{{1,6}}的|\x01的|的(?=[{HAN}、]{{2,16}}[两三四五几]块))(?P<x>(?:(?!的){L}){{1,6}}[{_LAND_ENDS}](?:、(?:(?!的){L}){{1,6}}[{_LAND_ENDS}])*)(?=地块|的?(?:耕地|旱地|水田|林地|承包地)|[两三几]块地|一带|\x00)",
    re.VERBOSE,
)
_NO_PLOT = re.compile(
    r".*(?:土地|耕地|林地|旱地|水田|田地|菜地|荒地|用地|场地|基地|工地|宅地|坡地|承包地|自留地|责任田|口粮田|鱼塘|水塘|池塘|该地|两地|外地|本地|当地|地)$"
)


def find_plots(text: str) -> Iterator[Named]:
    """Land that has a name of its own, in quotation marks or before what it is."""
    names: set[str] = set()
    for quoted in _QUOTED.finditer(text):
        names.update(match["x"] for match in _INSIDE.finditer(quoted[0]))
    for name in names - ORDINARY:
        start = text.find(name)
        while start >= 0:
            yield Named("address", start, start + len(name), "high")
            start = text.find(name, start + len(name))
    for match in _PLOT.finditer(text):
        if not _NO_PLOT.match(match["x"]) and not GENERIC.fullmatch(match["x"]):
            yield Named("address", *match.span("x"), "low")
