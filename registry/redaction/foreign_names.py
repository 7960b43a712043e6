"""People whose names are not written in Chinese characters alone: Latin, other scripts, Japanese, unreadable. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.name_parts import FOREIGN_SURNAMES
from registry.redaction.people import Page, weigh_left
from registry.redaction.vocabulary import HAN, Named, split_words, words
from registry.surnames import SURNAMES

_LETTERS = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_LATIN_WORD = rf"[{_LETTERS}][{_LETTERS}'’\-]*"
_LATIN = re.compile(
    rf"(?<![A-Za-z0-9@._/=\-#]){_LATIN_WORD}(?:(?:[ ]|\s?[,.·•]\s?|\s){_LATIN_WORD})*\.?(?![A-Za-z0-9@_/=#%])"
)
_HAS_LATIN = re.compile(r"[A-Za-z]{2}")
_COMPANY = re.compile(
    r"\b(?:co|ltd|limited|inc|llc|llp|corp|corporation|company|gmbh|plc|pte|pty|bhd|s\.?a|ag|bank|group|holdings?|trading|international|trust|fund|association|university|institute|school)\b",
    re.IGNORECASE,
)
_ENGLISH = split_words("""
the of and or to with from at per by in on for is are be until upon shall pay payment principal interest award
party parties both final this that not no annum accrued together full sum total amount date clause article
section rmb usd cny hkd eur gbp jpy nzd aud cad sgd krw myr thb mop twd us hk lpr app atm pos ktv vip suv mpv
gps led lcd cpu pvc ppr pe pc it tv dvd cd usb wifi iphone ipad huawei oppo vivo excel word pdf ppt ems sf vin
id qq vx wechat alipay tiktok vps ip cietac hkiac siac icc lcia scia shiac bac lof cif fob cfr ddp exw iso gb
gdp ceo cfo email e-mail mail mobile tel phone fax payee payer whatsapp telegram line skype paypal taobao
steam weibo account bank name address passport beneficiary swift iban hr ok ab abc bmw ktm
""")

# 김민수, やまだ たろう, Иван Петров: who writes the own script names somebody.
_OTHER_SCRIPT = re.compile(
    r"[가-힣]{2,5}|[ァ-ヺー]{2,10}(?:[ ・][ァ-ヺー]{2,10})*|[ぁ-ゖ]{2,6} [ぁ-ゖ]{2,6}|[А-ЯЁ][а-яё]+(?: [А-ЯЁ][а-яё.]+){1,2}|[ก-๛]{3,}(?: [ก-๛]{3,})?"
)

# 李□琪, (*蔚): a character that could not be read or was crossed out.
_UNREADABLE = re.compile(
    rf"[{''.join(sorted(SURNAMES))}](?:[□■▢?？][{HAN}]|[{HAN}][□■▢])(?![{HAN}]*[?？])|(?<=[(（:：])[*＊]{{1,2}}[{HAN}]{{1,2}}(?=[)）])"
)
_JAPANESE = re.compile(
    rf"{words(' '.join(FOREIGN_SURNAMES))}[ ][{HAN}]{{0,2}}?(?:太郎|次郎|三郎|一郎|郎|子|夫|男|雄|介|美|惠|香|奈|江|代|彦|树|翔|辉|也|哉|司|史|吾|之|人|志|治|平|作|助|佑|菜|花|织|莉|衣|叶|穗)"
)


def find_foreign(page: Page) -> Iterator[Named]:
    """People named in letters, in another script, with a blank or with a character that cannot be read."""
    for pattern in (_UNREADABLE, _JAPANESE):
        yield from (Named("person_name", *m.span(), "high") for m in pattern.finditer(page.text))
    yield from (Named("person_name", *m.span(), "low") for m in _OTHER_SCRIPT.finditer(page.text))
    if _HAS_LATIN.search(page.text):
        yield from _find_latin(page)


_TAKERS = frozenset("向对与由和及被将给付还欠归")
# 阿Ken, 小Amy.
_HEADS = frozenset("阿小老")


def _find_latin(page: Page) -> Iterator[Named]:
    for match in _LATIN.finditer(page.text):
        parts = re.findall(_LATIN_WORD, match[0])
        lower = [word.lower() for word in parts]
        if any(word in _ENGLISH for word in lower) or _COMPANY.search(match[0]) or max(map(len, parts)) < 2:
            continue
        start, end = match.span()
        if match[0].endswith("."):
            end -= 1
        capital = [word for word in parts if word[0].isupper()]
        before = weigh_left(page, start)
        named = parts[0].istitle() and len(parts[0]) > 3
        asked = start in page.roles or page.text[start - 1 : start] in _TAKERS | _HEADS
        sure = (
            len(capital) > 1 or (before >= 1 and named) or (asked and len(parts[0]) > (2 if parts[0].istitle() else 3))
        )
        if sure and (len(capital) > 1 or not page.folded[end : end + 1].isdigit()):
            start -= page.text[start - 1 : start] in _HEADS and len(parts) == 1
            yield Named("person_name", start, end, "high" if len(capital) > 1 else "low")
