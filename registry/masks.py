"""What is left to see of a number or a name. Pure; masking what is masked already changes nothing."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from registry.surnames import COMPOUND_SURNAMES
from registry.values import CitizenNumber, MaskedNumber, OtherNumber

HIDDEN = "*"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_DOTS = "·•・．‧∙⋅●"


class MaskProfile(StrEnum):
    """How much of an identity number the public may see: as on the national list, or less."""

    NATIONAL = "national"
    STRICT = "strict"


# Characters shown at the head and at the tail of a number, by its length.
_SHOWN = {
    (MaskProfile.NATIONAL, 18): (10, 4),
    (MaskProfile.STRICT, 18): (6, 4),
    (MaskProfile.NATIONAL, 15): (8, 3),
    (MaskProfile.STRICT, 15): (6, 3),
}
_SHOWN_OTHER = {MaskProfile.NATIONAL: (1, 2), MaskProfile.STRICT: (0, 2)}
# A short passport or permit number would be half told by three of its characters.
_SHORTEST_OTHER = 8


def mask_id(number: CitizenNumber | MaskedNumber | OtherNumber, profile: MaskProfile | str) -> str:
    """The number with everything but its head and tail hidden, one `*` a character.

    18 characters: national 10 + 4, strict 6 + 4. 15: national 8 + 3, strict 6 + 3. Any other number: national the
    first and the last two, strict the last two, and nothing of one shorter than 8. What came in masked is never
    opened: a position is shown only where the source shows it and the profile allows it.
    """
    text = number.text
    head, tail = _shown_of(number, MaskProfile(profile))
    end = len(text) - tail
    return "".join(c if index < head or index >= end else HIDDEN for index, c in enumerate(text))


def _shown_of(number: CitizenNumber | MaskedNumber | OtherNumber, profile: MaskProfile) -> tuple[int, int]:
    length = len(number.text)
    if not isinstance(number, OtherNumber) and (profile, length) in _SHOWN:
        return _SHOWN[profile, length]
    return _SHOWN_OTHER[profile] if length >= _SHORTEST_OTHER else (0, 0)


def count_possible(mask_text: str) -> int:
    """How many citizen numbers a masked text leaves possible (real dates; for 18 characters a right check character).

    `mask_text` has 18 or 15 characters with `*` where hidden. A hidden year may be 1900 to 2099; of 15 characters,
    the 1900s. Raises ValueError for any other text.
    """
    shape = re.fullmatch(r"[0-9*]{17}[0-9X*]|[0-9*]{15}", mask_text)
    if shape is None:
        raise ValueError("掩码应为 18 位或 15 位，只含数字、末位可为 X、隐藏处为 *")
    if len(mask_text) == 15:
        return _free(mask_text[:6]) * _count_short_dates(mask_text[6:12]) * _free(mask_text[12:])
    sums = _add(_digit_sums(mask_text, range(6)), _date_sums(mask_text[6:14]))
    sums = _add(sums, _digit_sums(mask_text, range(14, 17)))
    return sum(count for rest, count in sums.items() if mask_text[17] in (HIDDEN, _CHECK[rest]))


def _free(part: str) -> int:
    return int(10 ** part.count(HIDDEN))


def _count_short_dates(pattern: str) -> int:
    return sum(1 for text in _dates("19" + pattern))


def _digit_sums(text: str, positions: range) -> Counter[int]:
    """How often each weighted sum modulo 11 comes of the digits that fit `text` at `positions`."""
    sums = Counter({0: 1})
    for position in positions:
        digits = range(10) if text[position] == HIDDEN else (int(text[position]),)
        sums = _add(sums, Counter(digit * _WEIGHTS[position] % 11 for digit in digits))
    return sums


@lru_cache(maxsize=16)
def _date_sums(pattern: str) -> Counter[int]:
    return Counter(sum(int(c) * _WEIGHTS[6 + index] for index, c in enumerate(text)) % 11 for text in _dates(pattern))


def _dates(pattern: str) -> Iterator[str]:
    """Every real date YYYYMMDD of 1900 to 2099 that fits `pattern`."""
    fits = re.compile(pattern.replace(HIDDEN, "."))
    year_fits = re.compile(pattern[:4].replace(HIDDEN, "."))
    for year in range(1900, 2100):
        if not year_fits.fullmatch(str(year)):
            continue
        for month in range(1, 13):
            for day in range(1, calendar.monthrange(year, month)[1] + 1):
                text = f"{year}{month:02}{day:02}"
                if fits.fullmatch(text):
                    yield text


def _add(left: Counter[int], right: Counter[int]) -> Counter[int]:
    total: Counter[int] = Counter()
    for a, times_a in left.items():
        for b, times_b in right.items():
            total[(a + b) % 11] += times_a * times_b
    return total


def mask_name(name: str, hidden: str = "某某") -> str:
    """A person's name with only the surname left (法释〔2016〕19号 art. 9): 张某某; compound surnames are kept whole.

    A name with a middle dot (minority, or foreign in translation) keeps its first character, a name in Latin
    letters its first letter alone. `hidden` is what stands for the rest. An empty name stays empty.
    """
    name = name.strip()
    if not name:
        return ""
    if name[0].isascii():
        return name[0].upper()
    if any(dot in name for dot in _DOTS):
        return name[0] + hidden
    return (name[:2] if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else name[0]) + hidden


_ORGANISATION_MASKS = (
    ("支行", "某银行"),
    ("信用社", "某信用社"),
    ("信用合作联社", "某信用社"),
    ("合作社", "某合作社"),
    ("公司", "某公司"),
    ("合伙企业", "某合伙企业"),
    ("事务所", "某事务所"),
    ("委员会", "某委员会"),
    ("医院", "某医院"),
    ("学校", "某学校"),
    ("小学", "某学校"),
    ("中学", "某学校"),
    ("幼儿园", "某学校"),
    ("厂", "某厂"),
    ("店", "某店"),
)


def mask_organisation(name: str) -> str:
    """The kind of an organisation without its name: 某公司, 某银行, and 某单位 where the name tells no kind."""
    if "银行" in name:
        return "某银行"
    best = max(((name.rfind(word), mask) for word, mask in _ORGANISATION_MASKS), default=(-1, ""))
    return best[1] if best[0] >= 0 else "某单位"
