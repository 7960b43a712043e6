"""Addresses in other countries, as they are written there, and places at sea by their degrees. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.vocabulary import HAN, Named

_WORD = "A-Za-zÀ-ÖØ-öø-ÿА-яЁё"
_RUN = re.compile(rf"[{_WORD}0-9#][{_WORD}0-9 .,'’#/&-]{{5,140}}")
# A street, by the words of several languages.
_STREET = re.compile(
    rf"""(?<![{_WORD}])(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place|pl|square|sq|terrace|crescent|close|highway
    |hwy|parkway|pkwy|quay|grove|gardens?|mews|row|hill|walk|alley|circle|rue|quai|chemin|via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|jalan|jln
    |lorong|soi|thanon|ulitsa|ul|prospekt|ул|улица|проспект|пр-т|пер|переулок|шоссе|наб|бульвар)(?![{_WORD}])
    |[{_WORD}]{{3,}}(?:stra(?:ß|ss)e|str\.|platz|weg|allee|gasse|straat|laan|plein|gracht|gatan|vägen|gade|vej)(?![{_WORD}])""",
    re.VERBOSE | re.IGNORECASE,
)
_ROOM = re.compile(
    rf"(?<![{_WORD}])(?:unit|flat|suite|ste|apt|apartment|room|rm|floor|block|blk|no|lot|shop|p\.?\s?o\.?\s?box)\.?\s?#?\d",
    re.IGNORECASE,
)
_BEGIN = re.compile(
    rf"(?<![{_WORD}\d])(?:(?:unit|flat|suite|ste|apt|apartment|room|rm|floor|block|blk|no|lot|shop)\.?\s?#?\d|p\.?\s?o\.?\s?box|#?\d)",
    re.IGNORECASE,
)
_TOWN = re.compile(r"(?<![а-яА-Я])(?:г\.|гор\.|город|обл\.|с\.|пос\.)\s?[А-Я]")
# 〒530-0001 大阪府…: to where the clause ends.
_JAPANESE = re.compile(rf"〒[\s\d\1-]{{0,10}}(?P<x>[{HAN}\u3041-\u30ff\dA-Za-z\s#-]{{2,50}})")
_DEGREES = r"\s?[:：]?\s?\d{1,3}(?:\.\d{1,8})?(?:\s?[°º度′'’″”\"分秒]\s?\d{0,2}(?:\.\d{1,5})?){0,6}"
_AT_SEA = re.compile(
    rf"(?:[北南]纬|[东西]经|[经纬]度){_DEGREES}(?:[、,，/和与\s]{{0,2}}(?:[北南]纬|[东西]经|[经纬]度){_DEGREES})?"
    r"(?:附近)?(?:洋面|海面|海域|水域|海区|处)?"
)


def find_foreign_addresses(text: str) -> Iterator[Named]:
    """Addresses in Latin or Cyrillic letters and in Japan, and positions by degrees."""
    for run in _RUN.finditer(text):
        span = _read_run(run[0])
        if span:
            yield Named("address", run.start() + span[0], run.start() + span[1], "high")
    if "〒" in text:
        yield from (Named("address", *match.span("x"), "high") for match in _JAPANESE.finditer(text))
    if "纬" in text or "经" in text:
        yield from (Named("address", *match.span(), "high") for match in _AT_SEA.finditer(text))


def _read_run(run: str) -> tuple[int, int] | None:
    """Where in a run of letters and figures a street with its number stands, and the towns behind it."""
    street = _STREET.search(run)
    room = _ROOM.search(run)
    number = _BEGIN.search(run)
    if number is None or not (street or (room and "," in run)):
        return None
    start = number.start()
    town = _TOWN.search(run)
    if town and town.start() < start:
        start = town.start()
    elif street and street.end() <= start:
        # Via Roma 5: the number stands behind.
        start = run.rfind(",", 0, street.start()) + 1
    end = len(run.rstrip(" .,'’#/&-"))
    start += len(run[start:end]) - len(run[start:end].lstrip())
    return (start, end) if end - start > 5 else None
