"""Write the generated texts of the corpus, the same bytes each time: `python tests/corpus/generate.py`.

A template (material_open.py, material_earlier.py, material_unseen.py) is a sentence with slots, so that a label is right by construction:

- `{D}` the listed debtor, `{Ds}` its short name; `{P1}` a person, `{P2^D}` one with the surname of another, `{P1~老}` in another
  form, `{P1~=黑娃}` by that nickname; `{O1}` a company, `{O2.银}` an organisation of a kind, `{O1~s}` for short;
- `{a}` an amount, `{d}` a day, `{n}` a case number, `{c}` a court, `{id.P1}` a citizen's number, … (`_SLOTS`);
- `[h|words]` a label written out, the class by its letter (`_LETTERS`); `<one¦other>` a choice; `⏎` a new line.
"""

from __future__ import annotations

import datetime
import json
import random
import re
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """What is made of one material: `count` texts into the file `path`, their ids after `prefix`, drawn from `seed`."""

    material: str
    path: str
    prefix: str
    count: int
    seed: str


PARTS = (
    Part("open", "open/generated.jsonl", "og", 1500, seed="open"),
    # It was the unseen part until version 2 of the detector; its seed is its name of then.
    Part("earlier", "open/earlier_generated.jsonl", "ug", 500, seed="unseen"),
    Part("unseen", "unseen/generated.jsonl", "fg", 600, seed="fresh"),
)

_LETTERS = {
    "a": "amount",
    "d": "date",
    "r": "article",
    "n": "case_number",
    "c": "court",
    "g": "region",
    "e": "either",
    "h": "health",
    "x": "address",
    "y": "age",
    "o": "organisation",
    "s": "social",
    "p": "person",
    "t": "title_number",
}
_FIRST = {
    "AREAS": "990101 980203 999999 970412 950305 960718 940226 981130 990523",
    "MOBILES": "130 135 136 137 138 139 150 152 158 159 166 177 180 183 185 187 189 191 199",
    "BINS": "621700 622848 622202 621661 622908 621098 623059",
    "BINS_CREDIT": "622848 625910 436742 524047 621483",
}
_LOW = "零一二三四五六七八九"
_HIGH = "零壹贰叁肆伍陆柒捌玖"
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_CLOSE = re.compile(r"⟦([a-z_]+(?:#\d+)?)\|([^⟦⟧]+)⟧")
_NUMBERS = {"id_number", "phone", "card", "account", "plate", "title_number", "vehicle", "other_id"}


def chinese(value: int, digits: str = _LOW) -> str:
    """12300 as 一万二千三百, or with the digits of a cheque."""
    units = ("", "十", "百", "千") if digits == _LOW else ("", "拾", "佰", "仟")

    def below(number: int) -> str:
        out, gap = "", False
        for place in (3, 2, 1, 0):
            digit = number // 10**place % 10
            if digit:
                out += ("零" if gap and out else "") + digits[digit] + units[place]
                gap = False
            else:
                gap = True
        return out

    out = ""
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = value // scale % 10**4
        if group:
            out += ("零" if out and group < 1000 else "") + below(group) + name
    if digits == _LOW and out.startswith("一十"):
        out = out[1:]
    return out


def luhn(digits: str) -> str:
    """The digit that makes a card's number right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return str(-total % 10)


def grouped(digits: str, form: str) -> str:
    """`digits` in the form `s6,m*8,s4`: six shown, eight starred, four shown; `sr` all the rest, `m*r` all but four."""
    out, position = "", 0
    for token in form.split(","):
        if re.fullmatch(r"s(\d+|r)", token):
            count = len(digits) - position if token == "sr" else int(token[1:])
            out += digits[position : position + count]
            position += count
        elif re.fullmatch(r"m.(\d+|r)", token):
            count = len(digits) - position - 4 if token[2:] == "r" else int(token[2:])
            out += token[1] * count
            position += count
        else:
            out += token
    return out.rstrip(" -")


@dataclass
class Name:
    """A person: the name, and the surname where it has a Chinese one."""

    full: str
    surname: str
    birth: datetime.date


@dataclass
class Group:
    """An organisation."""

    full: str
    shorts: tuple[str, ...]


@dataclass
class Writer:
    """What one text needs to know while it is being written."""

    rng: random.Random
    stock: SimpleNamespace
    taken: frozenset[str]
    used: set[str] = field(default_factory=set)
    people: dict[str, Name] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    place: tuple[str, ...] = ()
    bearers: dict[str, int] = field(default_factory=dict)
    day: datetime.date = datetime.date(2018, 1, 1)
    money: str = ""
    dates: str = ""
    debtor: str = ""

    def __post_init__(self) -> None:
        self.place = tuple("" if word == "-" else word for word in self.pick(self.stock.PLACES).split())
        self.day = datetime.date(2012, 1, 1) + datetime.timedelta(days=self.rng.randrange(3900))
        self.money = self.pick(self.stock.MONEY)
        self.dates = self.pick(self.stock.DATES)

    # Words.

    def pick(self, among: str | list[str] | tuple[str, ...]) -> str:
        """One of a list, or of the lines of a text."""
        if isinstance(among, str):
            among = [line.strip() for line in among.strip().splitlines()]
        return self.rng.choice(among)

    def word(self, among: str) -> str:
        """One of the words of a text."""
        return self.rng.choice(among.split())

    def filled(self, pattern: str) -> str:
        """`#` a digit, `$` a capital, `&` either, `^` a small letter."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
        kinds = {"#": "0123456789", "$": letters, "&": letters + "0123456789", "^": letters.lower()}
        return "".join(self.rng.choice(kinds[one]) if one in kinds else one for one in pattern)

    def mark(self, name: str, words: str, bearer: str = "") -> str:
        """A label."""
        number = f"#{self.bearers.setdefault(bearer, len(self.bearers) + 1)}" if bearer else ""
        return f"⟦{name}{number}|{words}⟧"

    # Names.

    def surname(self) -> str:
        stock = self.stock
        draw = self.rng.random()
        if draw < 0.04:
            return self.word(stock.COMPOUND)
        if draw < 0.16:
            return self.word(stock.RARE)
        common = stock.COMMON.split()
        return self.rng.choices(common, [1 / (place + 4) for place in range(len(common))])[0]

    def given(self) -> str:
        characters = self.stock.GIVEN.replace("\n", "")
        length = 1 if self.rng.random() < 0.2 else 2
        return "".join(self.rng.choice(characters) for _ in range(length))

    def new_person(self, surname: str = "", plain: bool = False) -> Name:
        birth = datetime.date(1950, 1, 1) + datetime.timedelta(days=self.rng.randrange(19000))
        while True:
            draw = self.rng.random()
            if not plain and not surname and draw < 0.09:
                full, family = self.pick(self.stock.WHOLE if draw < 0.08 else self.stock.ODD), ""
            else:
                family = surname or self.surname()
                full = family + self.given()
                if draw > 0.97 and len(family) == 1 and len(full) == 3:
                    other = self.surname()
                    full = family + other + full[1:] if len(other) == 1 and other != family else full
            if full not in self.used and full not in self.taken:
                self.used.add(full)
                return Name(full, family, birth)

    def company(self) -> Group:
        stock = self.stock
        stem, trade = self.word(stock.STEMS), self.word(stock.TRADES)
        full = self.local(self.pick(stock.COMPANIES)).replace("{字号}", stem).replace("{行业}", trade)
        return Group(full, (stem + "公司", stem + trade + "公司", stem + trade))

    def new_group(self, kind: str) -> Group:
        while True:
            if not kind:
                group = self.company()
            else:
                words = self.local(self.pick(self.stock.GROUPS[kind]), same=True)
                words = words.replace("{字号}", self.word(self.stock.STEMS)).replace(
                    "{行业}", self.word(self.stock.TRADES)
                )
                full, *shorts = words.split("|")
                group = Group(full, tuple(shorts) or (full,))
            if group.full not in self.used:
                self.used.add(group.full)
                return group

    def local(self, words: str, same: bool = False) -> str:
        """The words of the text's place and of the part put in; `same`: one road is one road throughout."""
        province, mark, plate, city, city_short, county, county_short, code, phone = self.place
        fixed = {
            "省": province or city,
            "省简": re.sub("省|市|壮族自治区|回族自治区|维吾尔自治区|自治区", "", province or city),
            "字": mark,
            "牌": plate,
            "市": city,
            "市简": city_short,
            "县": county,
            "县简": county_short,
            "代码": code,
            "区号": phone,
            "法域": (city if county.endswith("区") else province or city) + county,
            "中院": city + ("中级" if province else "第二中级"),
            "市首": city_short[0],
            "县首": county_short[0],
        }
        lists = {"镇": "TOWNS", "路": "ROADS", "小区": "ESTATES", "村": "VILLAGES"}

        chosen: dict[str, str] = {}

        def one(match: re.Match[str]) -> str:
            key = match[1]
            if key in fixed:
                return fixed[key]
            if key in lists:
                if same:
                    return chosen.setdefault(key, self.word(getattr(self.stock, lists[key])))
                return self.word(getattr(self.stock, lists[key]))
            if key.startswith("年"):
                return str(self.rng.randint(2016, 2023) if key == "年" else self.rng.randint(2005, 2015))
            if key == "甲":
                return self.rng.choice("ABCDEF")
            if key == "中":
                return chinese(self.rng.randint(1, 12))
            if re.fullmatch(r"\d+-\d+", key):
                low, high = key.split("-")
                return str(self.rng.randint(int(low), int(high)))
            return match[0]

        return re.sub(r"\{([^{}]+)\}", one, words).replace(city + city, city)

    # Money, days, law.

    def amount(self, low: int, high: int) -> str:
        style = self.money if self.rng.random() < 0.75 else self.pick(self.stock.MONEY)
        exponent = self.rng.uniform(0, 1)
        value = int(low * (high / low) ** exponent)
        if "中" in style or "大" in style or "万" in style:
            step = 1000 if value >= 20000 else 100
            value = max(value // step * step, step)
        elif self.rng.random() < 0.5:
            value = max(value // 100 * 100, 100)
        if "万" in style and value < 10000:
            style = "{整}元"
        ten_thousands = f"{value / 10000:.4f}".rstrip("0").rstrip(".")
        cents = f"{self.rng.randrange(100):02d}"
        words = {
            "整": str(value),
            "逗": f"{value:,}",
            "分": cents,
            "角": cents[0],
            "万": ten_thousands,
            "中": chinese(value),
            "大": chinese(value, _HIGH),
        }
        return self.mark("amount", re.sub(r"\{(.)\}", lambda match: words[match[1]], style))

    def day_words(self, style: str = "") -> str:
        style = style or (self.dates if self.rng.random() < 0.8 else self.pick(self.stock.DATES))
        day = self.day
        words = {
            "Y": str(day.year),
            "y": f"{day.year % 100:02d}",
            "m": str(day.month),
            "d": str(day.day),
            "M": f"{day.month:02d}",
            "D": f"{day.day:02d}",
            "Z": "".join("〇一二三四五六七八九"[int(digit)] for digit in str(day.year)),
            "z": chinese(day.month),
            "t": chinese(day.day),
        }
        return re.sub(r"\{(.)\}", lambda match: words[match[1]], style)

    def step(self, low: int, high: int) -> None:
        self.day = min(
            self.day + datetime.timedelta(days=self.rng.randint(low, high)),
            datetime.date(2025, 1, 1) + datetime.timedelta(days=self.rng.randrange(300)),
        )

    # Addresses.

    def address(self, kind: str, bare: bool = False) -> str:
        region = ""
        if not bare and self.rng.random() < 0.75:
            forms = ("{省}{市}{县}", "{市}{县}", "{县}") if self.place[0] else ("{市}{县}", "{县}")
            region = self.mark("region", self.local(self.rng.choice(forms)))
        kind = kind or self.rng.choice(("街", "村", "房"))
        return region + self.mark("address", self.local(self.pick(self.stock.ADDRESSES[kind])))

    # Numbers.

    def first(self, kind: str) -> str:
        """The first digits of a number: the material's own, where it has any."""
        return self.word(getattr(self.stock, kind, _FIRST[kind]))

    def citizen(self, holder: str) -> str:
        if holder == "k":
            birth = datetime.date(2006, 1, 1) + datetime.timedelta(days=self.rng.randrange(5000))
        else:
            birth = self.person(holder or "P99").birth
        body = self.first("AREAS") + f"{birth:%Y%m%d}"
        body += f"{self.rng.randrange(1000):03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
        if self.rng.random() < 0.08:
            check = self.rng.choice("0123456789X")
        form = self.pick(self.stock.CITIZEN)
        if form == "old":
            return body[:6] + body[8:17]
        digits = grouped(body + check, form.removesuffix(" low"))
        return digits.lower() if form.endswith(" low") else digits

    def mobile(self) -> str:
        return grouped(self.first("MOBILES") + self.filled("########"), self.pick(self.stock.MOBILE))

    def card(self) -> str:
        if self.rng.random() < 0.75:
            body = self.first("BINS") + self.filled("#" * 12)
        else:
            body = self.first("BINS_CREDIT") + self.filled("#" * 9)
        check = luhn(body) if self.rng.random() < 0.85 else self.rng.choice("0123456789")
        return grouped(body + check, self.pick(self.stock.CARD))

    def number(self, forms: str) -> str:
        return self.filled(self.local(self.pick(forms)))

    # Slots.

    def person(self, key: str) -> Name:
        key, _, other = key.partition("^")
        if key not in self.people:
            surname = self.people[other].surname if other in self.people else ""
            self.people[key] = self.new_person(surname)
        return self.people[key]

    def person_slot(self, token: str) -> str:
        key, _, form = token.partition("~")
        name = self.person(key)
        key = key.partition("^")[0]
        if not form:
            return self.mark("person", name.full, key)
        if form.startswith("="):
            return self.mark("person", form[1:], key)
        if form == "曾":
            return self.mark("person", self.new_person(name.surname, plain=True).full, key)
        family = name.surname or name.full[0]
        if form == "某":
            return self.mark("either", family + self.rng.choice(("某", "某某")))
        if not name.surname:
            return self.mark("person", name.full, key)
        words = {"老": "老" + family, "小": "小" + family, "大": "大" + family}
        words |= {"名": name.full[len(family) :], "阿": "阿" + name.full[-1]}
        return self.mark("person", words.get(form, family + form), key)

    def group_slot(self, token: str) -> str:
        key, _, form = token.partition("~")
        key, _, kind = key.partition(".")
        if key not in self.groups:
            self.groups[key] = self.new_group(kind)
        group = self.groups[key]
        return self.mark("organisation", self.pick(group.shorts) if form else group.full, key)

    def slot(self, match: re.Match[str]) -> str:
        token = match[1]
        if token == "D":
            return self.mark("debtor", self.debtor)
        if token == "Ds":
            return self.mark("debtor", self.pick(self.groups["D"].shorts))
        if re.match(r"P\d", token):
            return self.person_slot(token)
        if re.match(r"O\d", token):
            return self.group_slot(token)
        if token.startswith("q."):
            return self.mark("amount", self.quantity(token[2:]))
        if token == "字号":
            return self.word(self.stock.STEMS)
        key, _, argument = token.partition(".")
        if key in _SLOTS:
            return _SLOTS[key](self, argument)
        words = self.local(match[0])
        if words == match[0]:
            raise ValueError(f"no such slot: {token}")
        return words

    def quantity(self, unit: str) -> str:
        draw = self.rng.random()
        if unit == "%":
            return self.rng.choice(("30%", "51%", "12.5%", "20%", "百分之四十", "49%", "百分之十五"))
        if unit in ("亩", "平方米", "吨", "㎡", "公斤", "方", "米"):
            high = {"亩": 60, "吨": 400, "公斤": 20000, "方": 5000, "米": 60}.get(unit, 240)
            return f"{self.rng.uniform(1, high):.2f}".rstrip("0").rstrip(".") + unit
        return (str(self.rng.randint(2, 90)) if draw < 0.6 else chinese(self.rng.randint(2, 30))) + unit


def _money(writer: Writer, size: str) -> str:
    ranges = {"": (3000, 900000), "s": (300, 9000), "l": (900000, 60000000), "m": (500, 6000), "f": (50, 9000)}
    return writer.amount(*ranges[size])


def _day(writer: Writer, form: str) -> str:
    writer.step(1, 200)
    if form == "ym":
        return writer.mark("date", writer.day_words("{Y}年{m}月"))
    if form == "y":
        return writer.mark("date", writer.day_words("{Y}年"))
    if form == "p":
        first = writer.day_words()
        writer.step(200, 900)
        return writer.mark("date", first + writer.rng.choice(("至", "起至", "到")) + writer.day_words(writer.dates))
    return writer.mark("date", writer.day_words())


def _label(name: str, make: Callable[[Writer], str]) -> Callable[[Writer, str], str]:
    return lambda writer, _argument: writer.mark(name, make(writer))


def _stock(name: str, stock: str) -> Callable[[Writer, str], str]:
    return lambda writer, _argument: writer.mark(name, writer.number(getattr(writer.stock, stock)))


def _kinds(name: str, stock: str) -> Callable[[Writer, str], str]:
    return lambda writer, kind: writer.mark(name, writer.number(getattr(writer.stock, stock)[kind]))


def _title(writer: Writer, kind: str) -> str:
    """The number as `title_number`; the words around it may go or stay."""
    before, number, after = writer.number(writer.stock.TITLE_LAND if kind else writer.stock.TITLE).split("|")
    parts = [("either", before), ("title_number", number), ("either", after)]
    return "".join(writer.mark(name, words) for name, words in parts if words)


def _birth(writer: Writer, holder: str) -> str:
    if holder == "k":
        birth = datetime.date(2006, 1, 1) + datetime.timedelta(days=writer.rng.randrange(5000))
    else:
        birth = writer.person(holder or "P99").birth
    kept, writer.day = writer.day, birth
    words = writer.day_words(writer.pick(writer.stock.BIRTHS))
    writer.day = kept
    return writer.mark("birth_date", words)


def _age(writer: Writer, kind: str) -> str:
    low, high = {"k": (2, 16), "j": (15, 17), "o": (61, 88)}.get(kind, (21, 79))
    years = writer.rng.randint(low, high)
    form = writer.pick(writer.stock.AGES)
    return writer.mark("age", form.replace("{数}", str(years)).replace("{汉}", chinese(years)))


def _case(writer: Writer, kind: str) -> str:
    words = writer.number(writer.stock.CASES[kind])
    return writer.mark("case_number", words)


_SLOTS: dict[str, Callable[[Writer, str], str]] = {
    "a": _money,
    "d": _day,
    "ym": lambda writer, _argument: _day(writer, "ym"),
    "y": lambda writer, _argument: _day(writer, "y"),
    "rate": _stock("amount", "RATES"),
    "n": _case,
    "c": _kinds("court", "COURTS"),
    "art": _kinds("article", "ARTICLES"),
    "ad": lambda writer, kind: writer.address(kind),
    "adn": lambda writer, kind: writer.address(kind, bare=True),
    "g": _label("region", lambda writer: writer.local("{市}{县}")),
    "id": lambda writer, holder: writer.mark("id_number", writer.citizen(holder)),
    "ph": _label("phone", lambda writer: writer.mobile()),
    "tel": _stock("phone", "LANDLINE"),
    "card": _label("card", lambda writer: writer.card()),
    "ctail": _label("card", lambda writer: writer.filled("####")),
    "acct": _stock("account", "ACCOUNT"),
    "atail": _label("account", lambda writer: writer.filled("####")),
    "plate": _stock("plate", "PLATE"),
    "title": _title,
    "mail": _stock("email", "MAIL"),
    "wx": _stock("social", "WECHAT"),
    "wn": _stock("social", "NICKNAMES"),
    "qq": _stock("social", "QQ"),
    "ali": _stock("social", "ALIPAY"),
    "dy": _stock("social", "DOUYIN"),
    "oid": _kinds("other_id", "OTHER_IDS"),
    "vin": _label("vehicle", lambda writer: writer.filled("L$$$$#&#&########")),
    "eng": _stock("vehicle", "ENGINES"),
    "birth": _birth,
    "age": _age,
    "h": _kinds("health", "HEALTH"),
    "uscc": _label("either", lambda writer: "91" + writer.filled("99####MA&&&&&&&&")),
}


# Noise.


def _parts(marked: str) -> list[tuple[str, str]]:
    """The text as (class or empty, words)."""
    out, position = [], 0
    for match in _CLOSE.finditer(marked):
        out.append(("", marked[position : match.start()]))
        out.append((match[1], match[2]))
        position = match.end()
    return [*out, ("", marked[position:])]


def _joined(parts: list[tuple[str, str]]) -> str:
    return "".join(f"⟦{name}|{words}⟧" if name else words for name, words in parts)


def _wide(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, words.translate(_WIDE)) for name, words in parts]


def _half(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    table = str.maketrans("（），；：", "(),;:")
    return [(name, words.translate(table)) for name, words in parts]


def _blanks(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Blanks inside names of two characters and inside numbers, and between some words."""
    out = []
    blank = rng.choice((" ", "　", "  "))
    for name, words in parts:
        kind = name.partition("#")[0]
        if kind in ("person", "debtor") and len(words) == 2:
            words = words[0] + blank + words[1]
        elif kind in _NUMBERS and len(words) > 8 and rng.random() < 0.7:
            place = rng.randrange(3, len(words) - 2)
            words = words[:place] + " " + words[place:]
        elif not name and words and rng.random() < 0.3:
            words = words + " "
        out.append((name, words))
    return out


def _breaks(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A new line after a clause."""
    end = rng.choice(("\n", "\r\n", "\n　　"))
    return [(name, words if name else re.sub("(?<=[；。])(?=.)", end, words)) for name, words in parts]


def _wrapped(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Copied from a page: a new line every so many characters, wherever that falls."""
    width, column, out = rng.randint(24, 40), 0, []
    for name, words in parts:
        built = ""
        for place, one in enumerate(words):
            if column == width:
                column = 0
                if name and not place:
                    out.append(("", "\n"))
                else:
                    built += "\n"
            built += one
            column += 1
        out.append((name, built))
    return out


def _misread(rng: random.Random, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    out = []
    for name, words in parts:
        if name.partition("#")[0] in _NUMBERS - {"plate"}:
            found = [place for place, one in enumerate(words) if one in "01"]
            for place in rng.sample(found, min(len(found), rng.randint(1, 2))):
                words = words[:place] + ("O" if words[place] == "0" else rng.choice("lI")) + words[place + 1 :]
        out.append((name, words))
    return out


NOISE = {"wide": _wide, "half": _half, "blanks": _blanks, "breaks": _breaks, "wrapped": _wrapped, "misread": _misread}


# Texts.


def _chosen(rng: random.Random, words: str) -> str:
    while "<" in words:
        words = re.sub("<([^<>]*)>", lambda match: rng.choice(match[1].split("¦")), words)
    return words


def _with_identity(writer: Writer, words: str, organisation: bool) -> str:
    """What stands in brackets after a party's name."""
    places = []
    for match in re.finditer(r"\{(D|P\d)(?:\^\w+)?\}", words):
        before = words[: match.start()]
        first = match[0] not in before and not re.search(rf"\{{{match[1]}[\^~]", before)
        if first and before.count("（") == before.count("）") and before[-1:] != "“":
            places.append(match)
    if not places:
        return words
    match = writer.rng.choice(places)
    forms = writer.stock.IDENTITY_GROUP if match[1] == "D" and organisation else writer.stock.IDENTITY
    form = _chosen(writer.rng, writer.pick(forms)).replace("@", match[1])
    return words[: match.end()] + form + words[match.end() :]


def _text(writer: Writer, template: str, organisation: bool) -> str:
    stock, rng = writer.stock, writer.rng
    words = _chosen(rng, template)
    if rng.random() < stock.IDENTITY_SHARE:
        words = _with_identity(writer, words, organisation)
    if rng.random() < stock.HEAD_SHARE:
        words = _chosen(rng, writer.pick(stock.HEADS_GROUP if organisation else stock.HEADS)) + words
    if rng.random() < stock.TAIL_SHARE and not words.endswith("！"):
        lines = [line.strip() for line in stock.TAILS.strip().splitlines()]
        lines += [] if organisation else [line.strip() for line in stock.TAILS_PERSON.strip().splitlines()]
        for number, tail in enumerate(rng.sample(lines, rng.choice((1, 1, 2)))):
            if words[-1] not in "。；":
                words += "。"
            words += re.sub(r"\b([PO])[78]", rf"\g<0>{number}", _chosen(rng, tail))
    words = words.replace("！", "").replace("⏎", "\n")
    words = re.sub(r"\[(\w)\|", lambda match: f"⟦{_LETTERS[match[1]]}|", words).replace("]", "⟧")
    for key in re.findall(r"\{(P\d+)~", words):
        if key not in writer.people:
            writer.people[key] = writer.new_person(plain=True)
    return re.sub(r"\{([^{}]+)\}", writer.slot, words)


def _debtor(writer: Writer, organisation: bool) -> None:
    if organisation:
        writer.groups["D"] = writer.company()
        writer.debtor = writer.groups["D"].full
        writer.used.add(writer.debtor)
        # A debtor may be somebody's parent or holder in a tail, if only on paper.
        writer.people["D"] = writer.new_person(plain=True)
    else:
        writer.people["D"] = writer.new_person()
        writer.debtor = writer.people["D"].full


def generate(part: Part, taken: frozenset[str]) -> tuple[list[dict[str, object]], set[str]]:
    """The texts of one part, and all full names in them. `taken`: names that may not be used."""
    stock = SimpleNamespace(**runpy.run_path(str(FOLDER / f"material_{part.material}.py")))
    templates = [line.strip().split(maxsplit=3) for line in stock.TEMPLATES.strip().splitlines() if line.strip()]
    order: list[list[str]] = []
    rounds = random.Random(f"{part.seed} order")
    while len(order) < part.count:
        order += rounds.sample(templates, len(templates))
    out: list[dict[str, object]] = []
    names: set[str] = set()
    seen: set[str] = set()
    for number, (kind, tags, basis, template) in enumerate(order[: part.count], start=1):
        for attempt in range(100):
            rng = random.Random(f"{part.seed} {number} {attempt}")
            writer = Writer(rng, stock, taken)
            organisation = kind == "o" or (kind == "a" and rng.random() < stock.GROUP_SHARE)
            _debtor(writer, organisation)
            if basis == "minor":
                writer.people["D"].birth = datetime.date(2002, 1, 1) + datetime.timedelta(days=rng.randrange(2000))
            marked = _text(writer, template, organisation)
            noise = rng.choice(list(NOISE)) if rng.random() < 0.11 else ""
            if noise:
                marked = _joined(NOISE[noise](rng, _parts(marked)))
            if marked not in seen:
                break
        seen.add(marked)
        names |= {name.full for name in writer.people.values()}
        out.append(
            {
                "id": f"{part.prefix}-{number:04d}",
                "debtor": writer.debtor,
                "basis": None if basis == "-" else basis,
                "tags": [*tags.split(","), *(["noise", noise] if noise else [])],
                "text": marked,
            }
        )
    return out, names


def build(part: Part, taken: frozenset[str]) -> tuple[str, set[str]]:
    """The lines of one file, and the names in it."""
    texts, names = generate(part, taken)
    return "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts), names


def main() -> None:
    """Write the files."""
    taken: frozenset[str] = frozenset()
    for part in PARTS:
        lines, names = build(part, taken)
        taken |= names
        (FOLDER / part.path).write_text(lines, encoding="utf-8", newline="\n")
        sys.stdout.write(f"{part.path}: {part.count}\n")


if __name__ == "__main__":
    main()
