"""What a text says of somebody's health and age (法释〔2016〕19号 art. 10). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.ailments import (
    ABILITIES,
    BODY_LETTERS,
    COLLOQUIAL,
    DOUBTFUL_INJURIES,
    ILLNESSES,
    INJURIES,
    ORGANS,
)
from registry.redaction.trie import any_found
from registry.redaction.vocabulary import Named

_NUMERAL = r"(?:[一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]|10|[1-9]|I{1,3}V?|VI{0,3}|IX|X)"
_GRADE = rf"(?:[一两二三1-5]\s?[个处项]\s?)?{_NUMERAL}\s?级"
_DISABILITY = r"(?:(?:肢体|视力|听力|言语|智力|精神|多重|功能|工伤|职业病|伤残|残疾)?(?:伤残|残疾|工伤|护理依赖|智残|肢残|残)(?:等级)?|护理依赖程度|部分护理依赖|大部分护理依赖|完全护理依赖|烧伤|烫伤|高血压|心功能|脑损伤|脱位)"
_GRADED = re.compile(
    rf"""(?:肢体|视力|听力|言语|智力|精神|多重)?{_GRADE}(?:\s?[、,，和及]\s?{_GRADE}){{0,4}}\s?(?:的)?{_DISABILITY}(?!人证)(?:\s?[、,，和及]\s?{_GRADE}{_DISABILITY}){{0,4}}(?:各?\s?[一两二三1-3]处)?
    |(?:{_GRADE}{_DISABILITY}?\s?[、和及]\s?){{1,4}}{_GRADE}{_DISABILITY}(?:各?\s?[一两二三1-3]处)?
    |(?:肢体|视力|听力|言语|智力|精神|多重)?(?:工伤|伤残|残疾|致残|评残|评定为|评为|护理依赖|劳动功能障碍|劳动能力(?:障碍|鉴定)?|高血压|心功能|轻伤|轻微伤|重伤|烧伤|烫伤|脑外伤|损伤)(?:等级|程度|级别)?(?:鉴定)?(?:评定|鉴定|构成|达到|属|均)?(?:[:：为系是])?\s?(?:肢体|视力|听力|言语|智力|精神|多重)?[(（]?{_GRADE}(?:\s?[、,，和及]\s?{_GRADE}){{0,4}}(?:{_DISABILITY})?
    |{_NUMERAL}\s?级(?=[，。；、）)]\s?[^。]{{0,6}}(?:残疾|伤残))
    |[轻重](?:微)?伤\s?[(（]?[一二12IⅠⅡ]\s?级|(?:尘肺|矽肺|煤工尘肺|电焊工尘肺)(?:病)?[壹贰叁一二三ⅠⅡⅢ]期|[壹贰叁一二三ⅠⅡⅢ]期(?:尘肺|矽肺)(?:病)?|(?:构成|系|属|为|致|致使?(?:其|人|他人|[一两二三]人))(?P<x>(?:轻微伤|轻伤|重伤)(?:\s?[(]?{_GRADE}[)]?)?)(?!害)
    |[左右双]眼(?:盲目|低视力|视力损害)\s?{_GRADE}|(?:[左右双]眼)?(?:裸眼|矫正)?视力(?:[:：为仅]|仅为|下降至|降至|降为){{0,2}}\s?(?:\d\.\d{{1,2}}(?![\d.])|眼前(?:手动|指数|数指)|无?光感)|[左右双]眼(?:已|仅)?(?:无光感|有?光感|眼前(?:手动|指数|数指))|(?:肢体|视力|听力|言语|智力|精神|多重){_GRADE}|(?<=伤情为){_GRADE}|(?<=等级鉴定为){_GRADE}|(?<=等级评定为){_GRADE}|(?<=能力鉴定){_GRADE}|(?<=能力鉴定为){_GRADE}""",
    re.VERBOSE,
)
_SURE = frozenset(ILLNESSES)
_GROWTHS = frozenset("炎癌瘤")
_DOUBTFUL = frozenset(DOUBTFUL_INJURIES)
_HEAD = re.compile(any_found([*ILLNESSES, *INJURIES, *DOUBTFUL_INJURIES]))
_HEAD_OR_ABILITY = re.compile(rf"{ABILITIES}|{_HEAD.pattern}", re.VERBOSE)
_ABILITY_HINT = re.compile(r"自理|丧失|依赖|生育|孕")
_ORGAN = re.compile(ORGANS)
# Read backwards from the word of the illness.
_WHERE = re.compile(rf"(?:[{BODY_LETTERS}、]|张扩|厚肥|梗阻|麦布|本桥){{1,20}}")
_AFTER_HEAD = re.compile(
    r"(?:[一二三四五六七八九ⅠⅡⅢ1-9]级|[早中晚]期|后遗症|并发症|[病症伤]足?|发作|足|得(?:厉害|严重|很))?(?:[一二三四五1-5ⅠⅡⅢⅣⅤ]期)?(?:(?:病毒|表面|螺旋体)?(?:抗原|抗体|核酸)?(?:呈|为)?阳性)?(?:\s?[(]\d{1,2}(?:[\-、,]\d{1,2}){0,5}[)])?(?:术后|[(](?:切除|术后|修补|缝合)[)]|(?<=孕)(?:已|约)?[一二三四五六七八九十\d]{1,3}\s?(?:个多?月|周))?"
)
# 急性, 2型, 重度: before an illness no part of the body needs to be named.
_QUALIFIED = re.compile(
    r".*(?:[急慢恶良外先天后遗传]性|[轻中重]度|型|先天|职业性?|噪声|爆震|突发|药物|混合|神经|传导|老年|小儿|创伤性?|多发)"
)
_NOT_EVEN_SURE = re.compile(
    r"证|矫形|研究|用药|货款|材料|器械|设备|耗材|产品|疫苗|机(?![一-龥]{0,3}障碍)|中心|厂|站|科|保险|公司|学校|按摩|保障|联合会|协会|就业|医院|专科|鉴定|检查|检测|药|防治|人证|赔偿|补助|险|房|门诊"
)
_NO_ILLNESS = re.compile(
    r"矫形|研究|中心|厂|站|科|[房床例历假因区史毒虫害救灾险费金款人院者防危赔理种员类故]|保险|赔偿|赔付|医院|门诊|鉴定|检查|诊断证明|证明|补助|津贴|护理|监护|残疾赔|抚慰"
)
_ILLNESS = re.compile(
    r"(?:身患|患有|罹患|确诊为?|诊断为?|感染|身患|患(?!者|方|儿|上?处)上?|(?:病情|伤情|病因|伤势|病症)(?:[:：为是系]|诊断为?)|因患|死于|检出)\s?(?P<x>[一-龥A-Za-z0-9、·]{1,18}?)(?=[，。；;,、()（）\s]|等|的|一[节事]|住院|入院|死亡|去世|治疗|手术|产生|期间|多年|已|需|而|$)"
    r"|因(?P<y>[一-龥A-Za-z0-9、·]{2,14}?(?:(?:完全|部分|大部分)?丧失(?:劳动|工作)能力(?=[，。；、)])|(?=住院|入院|丧失|死亡|去世|就医|就诊|手术|瘫痪|卧床|治疗)))"
)
_AGE = re.compile(
    r"[\d一二三四五六七八九十两百](?<![\d.一二三四五六七八九十百第至到逾超足].)(?:(?<!满.)|(?<=[不未]满.)(?!8|十?[四六八]|4|6))(?<!满[了其].)[\d一二三四五六七八九十百]{0,3}\s?(?:余|多|来)?\s?(?:个?半)?周?\s?岁(?:半|[零又]?\d{1,2}个月)?"
    r"(?!\s?(?:为?止|时?止|以[上下前后内]|之[前后日]|起|前|后|至|到|的?(?:未成年|子女|儿童|老人|生日)|生活自理))"
    r"|年(?:近|逾|过|届|约|已|及)[三四五六七八九]十[一二三四五六七八九]?(?![一-龥]?[年月日元万个])|[三四五六七八九]十(?:出头|开外|挂零|有余|好几)(?![一二三四五六七八九十元万])"
    r"|(?<=[他她])(?:都|已|也|快|现在|今年|都快)?(?P<old>[二三四五六七八九]十[一二三四五六七八九]?|[1-9]\d)(?=了[，。；、]?)"
    r"|(?<=[(（,，、/])\s?\d{1,3}\s?[Yy](?:[Oo])?(?![A-Za-z\d])|(?<=[(（])(?:已|现)?年?满[\d一二三四五六七八九十]{1,4}\s?周?岁(?=\s?[),，、])"
    r"|[六七八九](?<![上中下].)旬(?!期|内)|(?:年逾|年过|年近|年届|已逾|已过)?(?:古稀|花甲|耄耋)|[五六七八九]十有[一二三四五六七八九]"
    r"|(?<=出生).{0,2}?[一二三四五六七八九十\d]{1,3}个?多?(?:月|天)(?=[，,、。的大])|[一二三四五六七八九十\d]{1,2}个月大"
)
_AGE_HINT = re.compile(r"岁|年龄|现年|今年|时年|旬|古稀|花甲|耄耋|十有|出生|月大")
_AGE_WORDS = (
    "年近",
    "年逾",
    "年过",
    "年届",
    "年约",
    "年已",
    "年及",
    "十出头",
    "十开外",
    "十挂零",
    "十有余",
    "十好几",
    "了，",
    "了。",
    "Y",
    "y",
)
_AGE_AFTER_WORD = re.compile(
    r"(?:现年|今年|时年|虚岁|周岁|实岁|年仅|年龄|年约|芳龄|享年|终年)\s?[:：为是]?\s?(?P<x>(?:\d{1,3}|[一二三四五六七八九十百]{1,4})(?![\d一二三四五六七八九十年月日元万%])\s?(?:余|多)?(?:周?\s?岁|个月)?)"
)
_COMING_OF_AGE = re.compile(r"(?:18|十八)\s?周?\s?岁")
_SCHOOL = re.compile(
    r"(?:就读于|就读|在读于|入读|转入|升入)\s?(?P<x>[一-龥0-9A-Za-z()·]{2,24}?(?:小学|中学|幼儿园|学校|高中(?!学)|初中(?!学)|[一二三四五六七八九十]中(?!学)|实小(?!学)|大学|学院|中专|职高|职校)(?:[一-龥]{0,4}(?:分校|校区|附属[一-龥]{2,6}))?)"
)
_COLLOQUIAL = re.compile(COLLOQUIAL, re.VERBOSE)
_ABILITY = re.compile(r".*(?:自理|能力|功能|依赖|生育|[怀受]孕)|护理依赖.*|.*孕.*[周月]", re.DOTALL)
_REMOVED = re.compile(rf"[切摘截]除(?:了|其)?(?:[左右双一两]侧?|部分|全部)?(?:{ORGANS}){{1,3}}[球体脏]?")
_SUFFERED_HINT = re.compile(
    r"[断折瘫聋]了|[瘸跛瞎崴]|[被遭给][一-龥]{0,4}[打摔砸轧压切砍撞咬割夹绞挤烫烧刺扎踢掰]|[打摔砸轧压切砍撞咬割夹绞挤烫烧刺扎踢掰][断折掉瞎聋破伤碎]|[扭碰磕]伤|缝[合了针一二三四五六七八九十\d]|脱臼|错位|坏死|致残|[掉断折裂碎缺少][了一两二三四五六]|[裂碎肿麻烂废残歪青紫疼痛]了|发[麻软抖黑]|麻木|抽筋|无力|知觉|[崴扭闪]了?[左右双脚腰手头腿]|[扭砸烫割扎划夹咬撞打刺抓]伤|刺激|毛病|正常|好使|清楚|疾患|[落留][下了有]|成[了为个一]|变成|浮肿|红肿|化脓|变形|疤|丧失|[切摘截]除|[腿手臂脚趾指骨腰]断"
)


def find_facts(text: str) -> list[Named]:
    """Illnesses, injuries, degrees of disability, ages with their units, and the school somebody goes to."""
    found = list(_find_health(text))
    if any(word in text for word in _AGE_WORDS) or _AGE_HINT.search(text):
        found += _find_ages(text)
    if "读" in text or "入" in text:
        found += (Named("school", *match.span("x"), "high") for match in _SCHOOL.finditer(text))
    return found


def _find_health(text: str) -> Iterator[Named]:
    if "级" in text or "伤" in text or "肺" in text or "视力" in text or "光感" in text:
        yield from (Named("health", *match.span(match.lastgroup or 0), "high") for match in _GRADED.finditer(text))
    if any(hint in text for hint in ("患", "诊", "感染", "情", "因", "检出")):
        for match in _ILLNESS.finditer(text):
            if _HEAD.search(match[match.lastgroup or 0]):
                yield Named("health", *match.span(match.lastgroup or 0), "high")
    yield from _find_conditions(text)
    for pattern in (_COLLOQUIAL, _REMOVED) if _SUFFERED_HINT.search(text) else ():
        yield from (Named("health", *match.span(), "high") for match in pattern.finditer(text))


def _find_conditions(text: str) -> Iterator[Named]:
    """Injuries and illnesses with the part of the body before them."""
    end = 0
    heads = _HEAD_OR_ABILITY if _ABILITY_HINT.search(text) else _HEAD
    for head in heads.finditer(text):
        where = _WHERE.match(text[max(end, head.start() - 20) : head.start()][::-1])
        start = head.start() - (where.end() if where else 0)
        start = _skip_name(text, start, head.start())
        if _is_of_body(text, start, head):
            after = _AFTER_HEAD.match(text, head.end())
            end = after.end() if after else head.end()
            yield Named("health", start, end, "low")


def _skip_name(text: str, start: int, head: int) -> int:
    """Where the part of the body begins: 田七中风 and 南门脾破裂 begin with somebody's name."""
    while start < head and (text[start] == "、" or (text[start] in _OF_NAMES and not _PART.match(text, start))):
        start += 1
    return start


_OF_NAMES = frozenset("月门一二三四五六七八九十处度期级老小新白红石关丁心平女")
_PART = re.compile(
    r"月[骨经]|门[静齿牙脉]|一氧|[一两二三四五六七八九十][侧处根颗度型级期]|[二三]尖|三[叉踝体]|十二指|四肢|五官|度|处|期|级|老[年寒]|小[儿脑肠腿臂指趾脚]|新(?:生|冠|型|发)|白[血内癜细塞]|红[细斑肿]|关节|心|女性|平滑|石"
)


def _is_of_body(text: str, start: int, head: re.Match[str]) -> bool:
    """Whether somebody's body or mind suffers this, and not a thing; nor is it a fee, an insurance or a clinic."""
    if head[0] in _SURE or _ABILITY.fullmatch(head[0]):
        return not _NOT_EVEN_SURE.match(text, head.end())
    organs = list(_ORGAN.finditer(text, start, head.start()))
    is_close = bool(organs) and organs[-1].end() >= head.start() - 1
    # 脾破裂费用: what a fee is paid for; a fee for 残疾 says nothing of anybody.
    if not (is_close and head[0] in _DOUBTFUL) and _NO_ILLNESS.match(text, head.end()):
        return False
    if head[0] in _GROWTHS:
        return start < head.start()
    if head[0] in _DOUBTFUL:
        return is_close
    return bool(organs) or (start < head.start() and bool(_QUALIFIED.match(text, start, head.start())))


def _find_ages(text: str) -> Iterator[Named]:
    yield from (Named("age", *match.span("x"), "high") for match in _AGE_AFTER_WORD.finditer(text))
    for match in _AGE.finditer(text):
        start, end = match.span()
        if not _COMING_OF_AGE.match(text, start) or text[start - 1 : start] in "(（，,:：":
            yield Named("age", start, end, "high")
