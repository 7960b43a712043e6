"""Figures that a reader needs and that stay: case numbers, articles, dates, amounts. Pure.

案号 must stay (SPC, 2026-01-08); the numbers of titles to land and houses look alike and must not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.trie import any_of, listed

OPEN, CLOSE = r"[(\[〔【［﹝〖]", r"[)\]〕】］﹞〗]"
PROVINCE = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
UNIT = (
    r"\s?(?:余|多|来)?\s?(?:元(?!月|旦)|圆|块|万(?![能幸福家年里全达科象])|亿|千元|百元|[角分](?!公司|行|局|店)|美|港[元币]|欧元|日元|韩元|英镑|卢布|人民币|新?台币|%|‰|％"
    r"|㎡|平方|平米|立方|公顷|亩|吨|公斤|千克|克|斤|升|米|公里|千米|度(?!人)|千瓦|股|份|件|个|只|台|套|枚|张|支(?![弄路线])|本|册|片|粒|块|箱|袋|桶|棵|株|头"
    r"|k[gmWw](?![A-Za-z\d])|[tT](?![A-Za-z\d])|USD|RMB|CNY|USDT)"
)
"""What stands behind an amount or a quantity."""

# The characters of which the codes of cases and files are made; a person's name before them is not drawn in.
_TYPE = r"[仲裁案字劳人社民刑行执罚征决复调证公经商初终监申再抗审强处争议土房管税稽环综市食药林水农安应急交贸京沪国内外恢保破知赔资然规划住建卫健生态源财计教育族宗商务统粮物价烟草邮电盐海关边检渔畜牧气象震旅文广体防政府办告催许撤收缴没补偿拆迁责改限停扣登记号]"
_SERIAL = r"\s?第?\s?\d{1,20}(?:\s?[\-~、至]\s?\d{1,20}){0,4}\s?号(?:之[一二三四五六七八九十\d]{1,3})?"
_CASE = re.compile(
    rf"""(?:[一-龥]{{1,2}}{_TYPE}{{1,9}}[字案罚决裁仲证征执令复函告催补]\s?)?
        {OPEN}\s?(?:(?:19|20)\d{{2}}|[二一][〇零○九][〇零○一二三四五六七八九]{{2}})年?\s?{CLOSE}
        (?:\s?[一-龥]){{0,6}}(?:\s?\d){{0,5}}(?:\s?[一-龥]){{0,10}}?{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}年?\s?[一-龥]{{1,4}}\d{{0,4}}[一-龥]{{0,6}}字{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}\s?[{PROVINCE}最]\d{{2,4}}[民刑行执知商破赔财][一-龥]{{0,3}}{_SERIAL}
    |[一-龥]{{1,3}}{_TYPE}{{1,8}}字{_SERIAL}""",
    re.VERBOSE,
)
_DIGITS = r"[一二三四五六七八九十百零〇○\d]{1,7}"
_PARAGRAPH = rf"第\s?[(]?{_DIGITS}[)]?\s?[条款项目章节编](?:之[一二三四五六七八九十])?"
_LAW = r"(?:法|法典|条例|规定|解释|办法|通则|总则|意见|批复|规则|细则|决定|通知|答复|纪要|公约|宪法|标准)"
_COMMON_LAWS = any_of(
    listed("""民法典 民法通则 民法总则 民事诉讼法 民诉法 民诉法解释 民诉解释 合同法 合同法解释 物权法 担保法 担保法解释 担保制度解释 婚姻法 继承法 收养法 侵权责任法 公司法 企业破产法 破产法 合伙企业法 票据法 保险法 证券法 信托法
    商业银行法 劳动法 劳动合同法 社会保险法 工伤保险条例 刑法 刑事诉讼法 刑诉法 行政诉讼法 行政强制法 行政处罚法 行政复议法 道路交通安全法 土地管理法 农村土地承包法 城乡规划法 环境保护法 森林法 草原法 著作权法 商标法 专利法
    消费者权益保护法 食品安全法 产品质量法 建筑法 招标投标法 仲裁法 公证法 海商法 物业管理条例 国有土地上房屋征收与补偿条例 民间借贷司法解释 民间借贷规定 婚姻家庭编解释 诉讼费用交纳办法 未成年人保护法 妇女权益保障法 残疾人保障法""")
)
_ARTICLE = re.compile(
    rf"""《[^《》\1]{{2,40}}《[^《》]{{2,40}}》[^《》]{{2,40}}》
    |《[^《》。\1]{{2,80}}{_LAW}(?:[〈(][^《》]{{1,12}}[〉)])?》(?:\s?[(〔][^()〔〕]{{0,16}}[)〕](?:\d{{1,4}}号)?)?
        (?:\s?{_PARAGRAPH}(?:\s?[、,，和及至]\s?)?){{0,20}}
    |(?:中华人民共和国|最高人民法院|\0关于)[一-龥]{{2,40}}?{_LAW}(?:[(][一二三四五六]{{1,2}}[)])?(?=\s?第|》|[，,、。])
    |{_COMMON_LAWS}(?:[(][一二三四五六]{{1,2}}[)])?
    |法释\s?{OPEN}\d{{4}}{CLOSE}\d{{1,3}}号
    |{_PARAGRAPH}""",
    re.VERBOSE,
)
# The letters of a title to land or a house, of a marriage: never of a case.
_TITLE_CODE = re.compile(
    r"不动产|产权|房权|房产|房地|房证|房字|房预|房他|预字|国用|集用|林权|林证|土地证|地证|权证|他项|他证|抵字|用证|承包权|承包经营|预告|草原|海域|使用权|股权证|预售|军官|士官|[结离]婚|[结离]字"
)
_CASE_CODE = re.compile(r"[民刑行执破赔恢财商仲裁劳罚征复调]|知|公证|证[民执经内外]|[初终]字")
# 测土字第…号: no letter of it is of a case, and one is of land.
_TITLE_LIKE = re.compile(r"[房地林权土宅草海产国集农牧渔水政][一-龥]{0,4}字")
_TITLE_AHEAD = re.compile(r"\s?的?\s?[《“]?[一-龥]{0,6}(?:土地|房产|房屋|产权|不动产|林权|使用|承包)[一-龥]{0,6}证")
_TITLE_BEHIND = re.compile(
    r"(?:[房地林权国集用宅草海产土][一-龥]{0,4}(?:字|证|用|建)|(?<![公仲])证(?:书|件)?(?:字号|编号|号码?)?)\s?[:：为]?\s?$"
)
_REST_OF_DATE = r"""(?:\s?[年./\-]\s?(?:1[0-2]|0?[1-9])(?:\s?[月./\-]\s?(?:[12]\d|3[01]|0?[1-9])(?![\d%元万亿])\s?[日号曰]?|\s?月|(?![\d./\-]))
    |\s?年
    |(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d))"""
DATE = re.compile(rf"(?:19|20)\d{{2}}{_REST_OF_DATE}", re.VERBOSE)
"""A day, month or year at the place where it is matched."""

# Every way begins with a figure, so that a search skips from figure to figure; what stands before it is looked at behind it.
_KEPT = re.compile(
    rf"""\d(?<![\d.]\d)(?:
    (?<!\d[\-\s]\d)(?:(?:(?<=1)9|(?<=2)0)\d{{2}}{_REST_OF_DATE}
        |\d{{0,2}}(?:\s?,\s?\d{{3}})+(?:\.\d+)?(?!\d)(?:{UNIT})?
        |(?<!-\d)\d{{0,14}}(?:\.\d+)?{UNIT}
        |(?<!-\d)\d{{0,11}}\.\d{{1,4}}(?![\d.])(?!\s?\-\d))
    |(?:\s[\d,.])+\s?[元万]
    |(?:(?<=[￥¥$€£]\d)|(?<=[￥¥$€£]\s\d)|(?<=人民币\d)|(?<=(?:RMB|CNY|USD|HKD|EUR|JPY|GBP|NZD|AUD|CAD)\d)|(?<=(?:RMB|CNY|USD|HKD|EUR|JPY|GBP|NZD|AUD|CAD)\s\d))\d*(?:\.\d+)?(?!\d)
    |(?:(?<=(?:金额|本金|利息|罚息|合计|共计|总计|价款|欠款|货款|借款|余额|标的|数额)\d)|(?<=(?:金额|本金|利息|罚息|合计|共计|总计|价款|欠款|货款|借款|余额|标的|数额)[:：为计]\d))\d{{0,8}}(?![\d\-*])
    )""",
    re.VERBOSE,
)


def find_references(text: str) -> Iterator[tuple[int, int]]:
    """Case numbers and articles."""
    if "号" in text:
        yield from (match.span() for match in _CASE.finditer(text) if _is_case(text, match))
    if "第" in text or "《" in text or "〔" in text:
        yield from (match.span() for match in _ARTICLE.finditer(text))


def _is_case(text: str, match: re.Match[str]) -> bool:
    if _TITLE_CODE.search(match[0]) or _TITLE_AHEAD.match(text, match.end()):
        return False
    if _CASE_CODE.search(match[0]):
        return True
    if _TITLE_LIKE.search(match[0]):
        return False
    return not _TITLE_BEHIND.search(text[max(0, match.start() - 12) : match.start()])


_NUMERAL = "零〇一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟萬億半"
# 三间, 六万元, 陆仟捌佰元整, 千分之五: kept whole, so that no surname is read in them (万, 陆, 伍).
# 三元食品有限公司, 三棵树镇: a name, and no amount.
_OF_NAME = r"[一-龥]{1,8}?(?:有限|公司|集团|厂|超市|商行|银行|树镇|树乡|店镇|房镇)"
_SPELLED = re.compile(
    rf"""[零〇一二三四五六七八九十两壹贰叁肆伍陆柒捌玖拾半](?<![第{_NUMERAL}].)[{_NUMERAL}]{{0,16}}(?:余|多)?(?:[元圆](?!月|旦)(?:[{_NUMERAL}]{{1,3}}[角分]){{0,2}}整?|块(?!地)|亩|吨|公斤|斤|平方米|平米|间(?![接断隔])|套(?![取用路])|辆|棵|株|匹|只(?![有能要是])|张(?=[欠借收条床票支])|%)(?!{_OF_NAME})
    |[百千万]分之[{_NUMERAL}点]{{1,8}}""",
    re.VERBOSE,
)
_ENGLISH_DATE = re.compile(
    r"(?:\d{1,2}\s)?(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?\s(?:\d{1,2},?\s)?(?:19|20)\d{2}"
)


def find_amounts(text: str) -> Iterator[tuple[int, int]]:
    """Dates, amounts and quantities; longer runs of figures were taken before."""
    for pattern in (_KEPT, _SPELLED, _ENGLISH_DATE):
        yield from (match.span() for match in pattern.finditer(text))
