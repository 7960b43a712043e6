"""Days of birth, in figures, in characters, by the farmer's calendar and in English. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.figures import DATE
from registry.redaction.vocabulary import Named

_NUMERAL = "〇零○一二三四五六七八九十"
_MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_CALENDAR = r"(?:[(]?(?:公历|农历|阴历|阳历|新历|旧历)[)]?)?"
_HAN_DAY = rf"(?:[一二][{_NUMERAL[:12]}]{{3}}|[{_NUMERAL[:12]}]{{2}})\s?年(?:\s?{_CALENDAR}\s?(?:[{_NUMERAL}]{{1,2}}|正|冬|腊|\d{{1,2}})\s?月\s?(?:(?:初|廿|卅)?[{_NUMERAL}]{{1,3}}\s?[日号]?|\d{{1,2}}[日号])?)?"
_DAY = rf"(?:(?<!\d)(?:{DATE.pattern})|(?<!\d)(?:19|20)?\d{{2}}\s?年\s?(?:{_CALENDAR}\s?(?:\d{{1,2}}|[{_NUMERAL}正冬腊]{{1,2}})\s?月(?:\s?(?:\d{{1,2}}|(?:初|廿|卅)?[{_NUMERAL}]{{1,3}})\s?[日号]?)?)?|{_HAN_DAY}|(?<!\d)\d{{1,2}}\s{_MONTHS},?\s\d{{4}}|{_MONTHS}\s\d{{1,2}},?\s\d{{4}}|(?<![\d.])\d{{2}}[./\-]\d{{1,2}}[./\-]\d{{1,2}}(?!\d))"
_BORN = re.compile(
    rf"""(?P<x>{_DAY})(?=\s?{_CALENDAR}\s?(?:[(][^()]{{1,14}}[)])?[(]?(?:出\s?生|诞生|降生|出世|产下|[^，。；,;\d]{{1,16}}(?:出生|降生|诞生|生育[一二]|产下)|生育(?!津贴|保险|险|费|医疗|待遇)|生(?![效活产意病育平存物态命前父母后日前源])))
    |(?:出\s?生\s?(?:日期|年月日?|时间|日|年份|于)?(?:登记|记载|实际|应当?)?|生日|(?<![发产滋寄衍萌])生\s?于|生辰|出世于|DOB|D\.O\.B\.?|[Bb]orn(?:\son)?|[Dd]ate\sof\s[Bb]irth|[Bb]irth(?:day|\sdate)?|诞辰|生年月日|降生于)\s{{0,2}}[:：为是在系]{{0,2}}\s{{0,2}}{_CALENDAR}(?P<y>{_DAY}|(?:\d{{1,2}}|[{_NUMERAL}正冬腊]{{1,2}})\s?月\s?(?:\d{{1,2}}|(?:初|廿|卅)?[{_NUMERAL}]{{1,3}})\s?[日号]?|\d{{2}}[./\-]\d{{1,2}}[./\-]\d{{1,2}}(?!\d)|\d{{6}}(?!\d)|\d{{1,2}}[./\-]\d{{1,2}}[./\-](?:19|20)\d{{2}}(?!\d))(?![\d月]{{0,5}}[\s日号]{{0,2}}(?:元旦|春节|底)?(?:之?前|起|至|内|以前|之?后))
    |(?:(?:[男女]|[一-龥]族|(?:子|女|儿|孩)[一-龥]{{2,3}}[(])\s?[,，、|/\s]?\s?(?:[一-龥]{{1,5}}族\s?[,，、|/\s]\s?)?)(?P<z>{_DAY})(?=\s?[,，、。;；)|/\s])
    |(?P<w>{_DAY})(?=\s?[,，、]\s?(?:[男女](?=[，,、。)；])|[一-龥]{{1,4}}族(?=[，,、)。]|$)|身份证|公民身份|户籍|住(?!院)|文盲|(?:小学|初中|高中|中专|大专|大学|本科)(?:文化|肄业|毕业|学历)|农民|无业|务农|个体|职工|工人|学生|退休|居民|村民|群众|教师|经商|务工|籍贯|原籍|现住|联系电话|电话))""",
    re.VERBOSE,
)


_BORN_HINT = re.compile(
    r"[日号月年\d)历一二三四五六七八九十]\s{0,2}(?:[(]?(?:公历|农历|阴历|阳历|新历|旧历)[)]?)?[(]?(?:出|生|诞|降|产)|生[日于辰]|出\s?[生世]|[男女]\s?[,，、|/\s]"
    r"|[日号月年\d]\s?[,，、]\s?(?:[男女身公户住文小初高中大本农无]|[一-龥]{1,4}族)|orn|DOB|D\.O|irth"
)


def find_births(text: str) -> Iterator[Named]:
    """Days of birth."""
    if _BORN_HINT.search(text):
        for match in _BORN.finditer(text):
            yield Named("birth_date", *match.span(match.lastgroup or 0), "high")
