"""What is near to the words that were typed, and why: other places, forms, characters, spellings and orders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import permutations

from search_index.condition import All, Close, Condition, Field, Holds, Sounds, all_of, any_of
from search_index.confusable import list_confusable
from search_index.folding import fold_name
from search_index.organisation import find_core, find_difference, has_trade_name
from search_index.pinyin import split_syllables
from search_index.places import find_renamings
from search_index.question import Question, Way, near
from search_index.transliteration import list_latin_names, list_spellings, list_transliterations
from search_index.words import Typed, Word, can_be_alias, find_initials, in_name, in_text

_PERSON = Holds(Field.KIND, "person")
_LONGEST_OWN_CORE = 2
_SHORTEST_REORDERED = 4
_LONGEST_REORDERED = 30
_SHORTEST_CLOSE = 6
_MOST_REORDERED = 16
# No person is called so.
_FORMS = re.compile("(?:公司|企业|集团|银行|商行|合作社|经营部|中心|厂)$")
_DOTS = re.compile("[·•・･．.‧∙⋅●\u0387\\s]+")


def list_near(typed: Typed) -> Iterator[Way]:
    """The near ways of answering the words that were typed."""
    if typed.has_wildcard:
        return
    if typed.has_han:
        yield from _list_renamed(typed)
        # What is no longer than two characters is its own core, and names that hold it are exact.
        if len(typed.whole) > _LONGEST_OWN_CORE and len(core := find_core(typed.whole)) > 1:
            reason = "字号和行业相同，地名、组织形式或者分支机构不同，不一定是同一单位"
            yield Way(answer=near(7, "name"), condition=Holds(Field.CORE, core), reason=reason)
        yield from _list_written_otherwise(typed)
        is_name = len(typed.words) == 1 and not typed.is_quoted and len(typed.whole) >= _SHORTEST_CLOSE
        # What every other company is called is close to very many, and says nothing of any.
        if is_name and has_trade_name(typed.whole):
            yield Way(answer=near(11, "name"), condition=Close(typed.whole))
    if typed.latin:
        yield from _list_latin(typed)


def explain(way: Way, question: Question, name: str) -> str | None:
    """Why an entry with the published name is near in this way, in Chinese; None where it is exact."""
    if way.answer.match == "exact" or way.reason is not None:
        return way.reason
    folded = fold_name(name)
    match way.answer.rank:
        case 8:
            pairs = dict(list_confusable(question.whole)).get(folded, ())
            return f"{_name_pairs(pairs)}是不同的字"
        case 9:
            pairs = dict(list_transliterations(question.whole)).get(folded, ())
            return f"{_name_pairs(pairs)}是同一民族语人名的不同译写"
        case _:
            return _explain_difference(find_difference(question.whole, folded))


def _list_renamed(typed: Typed) -> Iterator[Way]:
    for renaming in find_renamings("\n".join(word.name for word in typed.words)):
        words = [
            Word(
                name=word.name.replace(renaming.typed, renaming.other),
                text=word.text.replace(renaming.typed, renaming.other),
            )
            for word in typed.words
        ]
        yield Way(answer=near(6, "name"), condition=in_name(words), reason=renaming.reason)
        yield Way(answer=near(6, "obligation"), condition=in_text(words), reason=renaming.reason)


def _list_written_otherwise(typed: Typed) -> Iterator[Way]:
    if confusable := [name for name, _ in list_confusable(typed.whole)]:
        yield Way(answer=near(8, "name"), condition=_named(confusable))
    if _FORMS.search(typed.whole):
        return
    if variants := list_spellings(typed.whole):
        yield Way(answer=near(9, "name"), condition=All((_PERSON, _named(variants))))
    if reordered := _reorder(typed):
        condition = All((_PERSON, _named(reordered)))
        yield Way(answer=near(10, "name"), condition=condition, reason="字相同，次序不同")


def _reorder(typed: Typed) -> tuple[str, ...]:
    """The typed name with its parts in another order: those around dots or spaces, or what one cut makes.

    The dot, which nobody needs to type, can stand at any place, but no part is one character alone.
    """
    whole = typed.whole
    if not _SHORTEST_REORDERED <= len(whole) <= _LONGEST_REORDERED or any(map(str.isdigit, whole)):
        return ()
    # Without a dot or a space the text folds to one part.
    parts = [part for part in map(fold_name, _DOTS.split(typed.text)) if part] if typed.text != whole else [whole]
    orders = permutations(parts) if 1 < len(parts) < 4 else ()
    cuts = (whole[cut:] + whole[:cut] for cut in range(2, len(whole) - 1))
    names = dict.fromkeys([*map("".join, orders), *cuts])
    return tuple(name for name in names if name != whole)[:_MOST_REORDERED]


def _list_latin(typed: Typed) -> Iterator[Way]:
    if reordered := _reorder_sounds(typed):
        reason = "拼音相同，次序不同"
        yield Way(answer=near(10, "name"), condition=All((_PERSON, any_of(reordered))), reason=reason)
    reason = f"拉丁字母写法“{' '.join(typed.text.split())}”"
    if can_be_alias(typed):
        held = all_of([Holds(Field.ALIAS, word) for word in dict.fromkeys(typed.latin)])
        yield Way(answer=near(12, "latin_name"), condition=held, reason=reason)
    if names := list_latin_names(typed.latin):
        yield Way(answer=near(12, "name"), condition=All((_PERSON, _named(names))), reason=reason)
    if initials := find_initials(typed):
        reason = f"“{initials}”是姓名（名称）开头的拼音首字母"
        yield Way(answer=near(13, "name"), condition=Holds(Field.INITIALS, initials), reason=reason)


def _reorder_sounds(typed: Typed) -> list[Sounds]:
    words = typed.text.split()
    # What are no syllables in one order are none in another.
    if not typed.syllables or not 1 < len(words) < 4:
        return []
    orders = [order for order in permutations(words) if order != tuple(words)]
    runs = dict.fromkeys(syllables for order in orders for syllables in split_syllables(" ".join(order)))
    return [Sounds(run, whole=True) for run in runs if run not in typed.syllables][:_MOST_REORDERED]


def _named(names: Iterable[str]) -> Condition:
    return any_of([Holds(Field.NAME, name) for name in names])


def _name_pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "，".join(f"“{typed}”与“{other}”" for typed, other in dict.fromkeys(pairs))


def _explain_difference(difference: tuple[str, str] | None) -> str:
    typed, other = difference or ("", "")
    if typed and other:
        return f"有一个字不同：输入“{typed}”，名称为“{other}”"
    return f"多输入一个字：“{typed}”" if typed else f"少输入一个字：名称中另有“{other}”"
