"""What identifies a person by digits and letters, and what looks alike but must stay: amounts, dates, case numbers.

Patterns run on a folded copy (half width, plain dashes and spaces) in which everything already decided is blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from registry.redaction.vocabulary import Confidence


@dataclass(frozen=True, slots=True)
class Detector:
    """A rule: what its pattern matches (group `x` where there is one) is proposed for redaction.

    A text without `hint` cannot match, and is not searched.
    """

    rule: str
    pattern: re.Pattern[str]
    confidence: Confidence = "high"
    hint: str = ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of every match in `text`."""
        if self.hint not in text:
            return []
        group: int | str = "x" if "x" in self.pattern.groupindex else 0
        return [match.span(group) for match in self.pattern.finditer(text)]


def _rule(rule: str, pattern: str, confidence: Confidence = "high", hint: str = "") -> Detector:
    return Detector(rule, re.compile(pattern, re.VERBOSE), confidence, hint)


_SEP = r"[\s\-.·]"
_DAY = r"(?:19|20)\d{2}\s*[年./\-]\s*\d{1,2}\s*(?:[月./\-]\s*\d{1,2}\s*日?|月)"
_PROVINCE = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_OPEN, _CLOSE = r"[(\[〔【]", r"[)\]〕】]"
_TITLE_WORD = r"不动产|房权|房产|房地|房证|房屋|房字|国用|集用|集体|土地|林权|林证|土字|他项|他证|抵字|权证|预告|商品房"

# Written with words that say what the number is.
KEYWORDED = (
    _rule("email", r"[A-Za-z0-9._%+\-]+\s?@\s?[A-Za-z0-9\-]+(?:\s?\.\s?[A-Za-z0-9\-]+)+", hint="@"),
    _rule("url", r"(?:https?://|www\.)[A-Za-z0-9./?=&_%#:\-]+"),
    _rule(
        "social_account",
        r"""(?:微信|QQ|qq|Qq|VX|vx|Vx|V信|WeChat|wechat|支付宝|抖音|快手|微博|陌陌|淘宝|钉钉|扣扣|企鹅)
        (?:账号|帐号|账户|帐户|号码|昵称|用户名|id|ID|号|群)?\s*(?:[:：为是]|为:)?\s*[(“"]?
        (?P<x>(?!\d{1,15}(?:\.\d+)?\s*(?:元|万|%))(?=[A-Za-z0-9_\-]*[A-Za-z0-9])[A-Za-z0-9_\-]{5,24})""",
    ),
    _rule("birth_date", rf"{_DAY}(?=\s*[(]?(?:出生|生(?![效活产])))"),
    _rule("birth_date", rf"(?:出生日期|出生年月日?|生日|出生于|生于)\s*[:：为是]?\s*(?P<x>{_DAY}|(?:19|20)\d{{6}})"),
    _rule(
        "other_id",
        r"""(?:护照|通行证|台胞证|回乡证|军官证|士兵证|警官证|居留证|居住证|驾驶证|驾照|社保卡|学籍|执业证)
        (?:号码?|编号|证号|件号)?\s*[:：为是]?\s*(?P<x>[A-Za-z]{0,3}\d[A-Za-z0-9\-]{4,19})""",
    ),
    _rule(
        "vehicle_number",
        r"""(?:车架号码?|发动机号码?|车辆识别代[号码]|VIN码?|登记证书编号)\s*[:：为是]?\s*
        (?P<x>(?=[A-Za-z0-9\-]*\d)[A-Za-z0-9\-]{5,24})""",
    ),
    _rule(
        "plate",
        r"(?:车牌号?码?|牌照号?码?|号牌(?:号码)?)\s*[:：为是]?\s*(?P<x>[一-龥]?\s?[A-Za-z]?[\s·.\-]?[A-Za-z0-9]{4,7})",
    ),
    _rule(
        "title_number",
        rf"""(?:{_TITLE_WORD})[^\d号\0\1，,。；;]{{0,24}}?
        (?:{_OPEN}\s*\d{{4}}\s*{_CLOSE}[^\d号\0\1，,。；;]{{0,20}})?
        (?P<x>[A-Za-z]{{0,4}}\d[\d\s\-A-Za-z]{{1,29}})\s*号""",
    ),
    _rule(
        "title_number",
        rf"""(?:(?:{_TITLE_WORD})[一-龥]{{0,8}}|权属证书|产权证|股权证|权利证书|证书)(?:证号|编号|号码|号)
        \s*[:：为是]?\s*(?P<x>[A-Za-z]{{0,4}}\d[\dA-Za-z\-]{{3,29}})""",
    ),
)

_TITLE_AHEAD = r"(?![^号]{0,16}(?:不动产权|不动产证|不动产登记|房权|房产证|房地证|国用|集用|林权|林证|权证|预告登记))"
_TITLE_BEHIND = "".join(f"(?<!{word})" for word in ("国用", "集用", "权证", "林证", "房字", "证字", "他项", "用证"))
_SERIAL = r"\s*第?\s*\d{1,8}(?:\s*[\-、]\s*\d{1,6})*\s*号(?:之[一二三四五六七八九十\d]{1,3})?"

# 案号 must stay (SPC, 2026-01-08); the numbers of titles look alike and must not.
CASE_NUMBERS = re.compile(
    rf"""{_TITLE_BEHIND}{_OPEN}\s*(?:19|20)\d{{2}}\s*{_CLOSE}{_TITLE_AHEAD}\s*[一-龥]{{0,6}}\s*\d{{0,4}}\s*[一-龥]{{0,8}}?{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}年?\s*{_TITLE_AHEAD}[一-龥]{{1,4}}\d{{0,4}}[一-龥]{{0,6}}字{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}\s?[{_PROVINCE}最]\d{{2,4}}[民刑行执知商破赔][一-龥]{{0,2}}{_SERIAL}""",
    re.VERBOSE,
)

# Figures whose neighbours say what they are.
NAMED_FIGURES = (
    _rule(
        "id_number",
        r"(?:身份证(?:件)?(?:号码?)?|公民身份号码|公民身份证号码?|证件号码?)\s*[:：为是]?\s*(?P<x>[\dOoIl][\dOoIl\s\-.*×]{5,24}[\dXxOoIl])",
    ),
    _rule("id_number", r"(?<!\d)(?=[\d*xX]*\*\*)\d{3,14}[*xX]{2,14}\d{0,4}[\dXx]?(?![\d*])", hint="**"),
    _rule("id_number", r"(?<!\d)\d{4,14}×{2,14}\d{2,4}[\dXx]?(?!\d)", hint="××"),
    _rule(
        "card",
        r"""(?:账号|帐号|卡号|账户号码?|帐户号码?|存折号?|存单号?|户头)[码]?\s*(?:[:：为是]|(?=\d))\s*
        (?P<x>[\dA-Za-z](?:[\s\-.*]?[\dA-Za-z*]){4,31})(?!\d)""",
    ),
    _rule("card", r"尾号\s*(?:[:：为是])?\s*(?P<x>\d{3,8})(?!\d)"),
    _rule(
        "mobile",
        r"(?:电话|手机|联系方式|联系号码|手机号码?|致电|短信)(?:号码?)?\s*[:：为是]?\s*(?P<x>(?:\+?86[\s\-]?)?1[3-9]\d(?:[\s\-.]?\d){8})(?!\d)",
    ),
    _rule(
        "landline",
        r"""(?:电话|座机|传真|热线|联系方式|联系号码|Tel|TEL|tel)(?:号码?)?\s*[:：为是]?\s*
        (?P<x>[(]?\d{3,4}[)]?[\s\-]?\d{3,8}(?:[\s\-]\d{1,6}|转\d{1,6})?|\d{5,12})(?!\d|\.\d|\s*[元万年])""",
    ),
    _rule(
        "credit_code",
        r"(?<![A-Za-z0-9])(?=[0-9]*[A-HJ-NP-RTUWXY])(?!\d{17}X)[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}(?![A-Za-z0-9])",
    ),
)

# Too long to be an amount.
LONG_RUNS = (
    _rule(
        "id_number",
        r"(?<![A-Za-z0-9])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![A-Za-z0-9])",
    ),
    _rule("id_number", r"(?<![A-Za-z0-9])\d{17}[Xx](?![A-Za-z0-9])"),
    _rule("card", r"\d{16,}"),
    _rule(
        "id_number",
        r"(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d|\.\d|\s*(?:余|多)?[元万亿])",
    ),
)

_MONEY = (
    r"(?:余|多)?\s*(?:元(?!月|旦)|万|亿|角|美元|港元|港币|欧元|日元|人民币|%|‰|平方米|平米|㎡|亩|吨|公斤|千克|斤|立方)"
)
# Longer runs were taken before; what is left of these shapes is an amount or a date, and stays.
KEPT_FIGURES = re.compile(
    rf"""(?<![\d.])(?<!\d{{6}}[\-\s.])(?:19|20)\d{{2}}\s?[年./\-]\s?\d{{1,2}}\s?[月./\-]\s?\d{{1,2}}(?!\d)日?
    |(?<![\d.])(?:19|20)\d{{2}}\s?年(?:\s?\d{{1,2}}\s?月)?
    |(?:￥|¥|\$|人民币|RMB)\s*\d[\d,]*(?:\.\d+)?(?!\d)
    |(?<![\d.])\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!\d)
    |(?<![\d.\-])\d{{1,15}}(?:\.\d+)?{_MONEY}
    |(?<![\d.\-])\d{{1,12}}\.\d{{1,2}}(?![\d.])(?!\s?[\-]\d)
    """,
    re.VERBOSE,
)

# Whether there is any run of figures long enough for the two groups of runs.
HAS_RUN = re.compile(r"\d(?:[\s\-.·()]{0,3}\d){6}")

SHORTER_RUNS = (
    _rule("card", r"(?<!\d)\d{4}(?:[\s\-.·]{1,2}\d{4}){3}(?:[\s\-.·]{1,2}\d{1,4})?(?!\d)"),
    _rule(
        "id_number",
        r"(?<!\d)\d{6}[\s\-.·]{1,2}(?:18|19|20)\d{2}[\s\-.·]{0,2}\d{2}[\s\-.·]{0,2}\d{2}[\s\-.·]{0,2}\d{3}[\s\-.·]{0,2}?[\dXx](?![\dA-Za-z])",
    ),
    _rule("card", rf"[账帐卡][^\d，,。；;\0\1\n]{{0,16}}(?P<x>\d(?:{_SEP}?\d){{11,18}})(?!\d)"),
    _rule("id_number", rf"(?<![\d.])[1-9](?:{_SEP}{{0,2}}\d){{16}}{_SEP}{{0,2}}[\dXx](?!{_SEP}?\d)", "low"),
    _rule("card", rf"(?<![\d.])\d(?:{_SEP}{{0,2}}\d){{14,18}}(?!{_SEP}?\d)", "low"),
    _rule("number", r"(?<![\d.])\d{15}(?![\d.])", "low"),
    _rule("mobile", r"(?<![\d])(?:\+?\s?86[\s\-]?|0086[\s\-]?)?(?<!\d)1[3-9]\d(?:[\s\-.·]?\d){8}(?!\d)"),
    _rule("mobile", r"(?<!\d)(?:\+?86|0086)[\s\-]?1[3-9]\d(?:[\s\-.·]?\d){8}(?!\d)"),
    _rule(
        "landline",
        r"(?<![\d第])[(]?\s?0(?:10|2\d|[3-9]\d{2})\s?[)]?\s?[\s\-]?\s?[2-9]\d{2,3}[\s\-]?\d{4}(?:转\d{1,6}|-\d{1,6})?(?!\d)",
    ),
    _rule("landline", r"(?<!\d)[48]00[\s\-]?\d{3}[\s\-]?\d{4}(?!\d)|(?<!\d)[48]00[\s\-]\d{4}[\s\-]\d{3}(?!\d)"),
)

PLATES = (
    _rule(
        "plate",
        rf"""(?:WJ\s?)?[{_PROVINCE}使军空海警]\s?[A-Za-z]\s?[·.\-\s]?\s?
        (?=[A-Za-z0-9]*\d)(?:[A-Za-z0-9]{{5,6}}|[A-Za-z0-9]{{4}}[挂学警港澳领试超])(?![A-Za-z0-9])""",
    ),
    _rule("spelled_number", r"[〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{7,}(?![十百千万亿元年月])"),
)

HEALTH_AND_AGE = (
    _rule(
        "health",
        r"""(?:身患|患有|罹患|确诊为?|诊断为|感染|患)(?P<x>[一-龥A-Za-z0-9、]{1,14}?(?:病毒|疾病|综合征|病|症|炎|癌|瘤|障碍|结核|梗死?|出血|骨折|瘫痪|感染|HIV))""",
    ),
    _rule("health", r"(?P<x>(?:[一二三四五六七八九十]|10|[1-9])级)(?:伤残|残疾)"),
    _rule(
        "health",
        r"""(?=[艾乙丙梅尿白肺糖癌恶精抑癫智肢听视植脑高截瘫先孤自流怀不性老痴H胃肝乳食结直宫淋胰甲前鼻骨血])(?:艾滋病|乙肝|丙肝|梅毒|尿毒症|白血病|肺结核|糖尿病|癌症|[肺胃肝乳腺食管结直肠宫颈淋巴胰甲状前列鼻咽骨血]{1,4}癌|恶性肿瘤|精神分裂症?|精神病|精神疾病
        |抑郁症|癫痫|智力残疾|精神残疾|肢体残疾|听力残疾|视力残疾|植物人|脑瘫|脑梗死?|脑出血|高位截瘫|截瘫|瘫痪|先天性心脏病|心脏病
        |孤独症|自闭症|流产|怀孕|不孕不育|性病|老年痴呆|痴呆|HIV)""",
        "low",
    ),
    _rule(
        "school", r"(?:就读于|就读|在读于|在读)(?P<x>[一-龥0-9]{2,16}?(?:小学|中学|幼儿园|学校|高中|初中|大学|学院))"
    ),
    _rule(
        "age",
        r"(?<!年满)(?<!满)(?<!至)(?P<x>(?<!\d)\d{1,2}|(?<![一二三四五六七八九十])[一二三四五六七八九十]{1,3})\s?(?:周岁|岁)(?!为止|止|时?止|以[上下])",
    ),
)

# No published text may hold one of these, whatever the context.
IDENTIFIER_RULES = frozenset(
    {
        "id_number", "card", "number", "mobile", "landline", "plate", "title_number", "email", "url",
        "social_account", "other_id", "vehicle_number", "credit_code", "spelled_number", "birth_date",
    }
)  # fmt: skip
