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
    r"\s?(?:余|多|来)?\s?(?:元(?!月|旦)|圆|块|万(?![能幸福家年里全达科象])(?:余|多)?(?:元(?!月|旦)|[美港日韩欧澳加]元|英镑|泰铢|韩币|日圆|卢布|港币|新?台币|人民币)?|亿元?|千元|百元|[角分](?!公司|行|局|店)|美|港[元币]|澳门元|[日韩澳加欧]元|日[圆币]|韩币|越南盾|泰铢|瑞士法郎|坚戈|英镑|卢布|人民币|新?台[币元]|澳门?币|%|‰|％"
    r"|㎡|m[²³]|平方公里|平方米|平方|平米|立方米|立方|公顷|亩|吨|公斤|千克|克|斤|升|米|公里|千米|度(?!人)|千瓦|股|份|件|个|只|台|套|枚|张|支(?![弄路线])|本(?![金息案院人次月年日公判])|册|片|粒|块|箱|袋|桶|棵|株|头"
    r"|k[gmWw](?![A-Za-z\d])|[tT](?![A-Za-z\d])|USD|RMB|CNY|USDT)"
)
"""What stands behind an amount or a quantity."""

# The characters of which the codes of cases and files are made; a person's name before them is not drawn in.
_TYPE = r"[仲裁案字劳人社民刑行执罚征决复调证公经商初终监申再抗审强处争议土房管税稽环综市食药林水农安应急交贸京沪国内外恢保破知赔资然规划住建卫健生态源财计教育族宗商务统粮物价烟草邮电盐海关边检渔畜牧气象震旅文广体防政府办告催许撤收缴没补偿拆迁责改限停扣登记号]"
# Who decided, in a letter or two: the last letter of 生态环境局 is none of them.
_COURT = f"[{''.join(map(chr, sorted(set(range(0x4E00, 0x9FA6)) - set(map(ord, '局院会府委庭队所站厅')))))}]"
# 东劳人仲院虎门庭案字, 深劳人仲(福田)案: the place of a chamber within the code.
_CHAMBER = r"(?:院[一-龥]{2,3}庭|[(][一-龥]{1,4}[)])"
_SERIAL = r"\s?第?\s?[A-Z]{0,2}\d{1,20}(?:\s?[\-~、至]\s?\d{1,20}){0,4}\s?号(?:之[一二三四五六七八九十\d]{1,3})?"
_CASE = re.compile(
    rf"""(?:{_COURT}{{1,2}}{_TYPE}{{1,9}}(?:{_CHAMBER}{_TYPE}{{0,6}})?(?:[字案罚决裁仲证征执令复函告催补]|(?<=案)终|(?<=税)通|(?<=社)工?伤?认|(?<=交)认|(?<=劳)鉴|(?<=烟)立)\s?)?
        {OPEN}\s?(?:(?:19|20)\d{{2}}|[二一][〇零○九][〇零○一二三四五六七八九]{{2}})年?\s?{CLOSE}
        (?:\s?[一-龥]){{0,6}}(?:\s?\d){{0,5}}(?:\s?[一-龥]){{0,10}}?{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}年?\s?[一-龥]{{1,4}}\d{{0,4}}[一-龥]{{0,6}}字{_SERIAL}
    |(?<!\d)(?:19|20)\d{{2}}\s?[{PROVINCE}最]\d{{2,4}}[民刑行执知商破赔财][一-龥]{{0,3}}{_SERIAL}
    |{_COURT}{{1,3}}{_TYPE}{{1,8}}字{_SERIAL}
    |第\s?\d{{6,24}}\s?号(?=\s?[《“]?(?:道路|交通|火灾)[一-龥]{{0,6}}认定)
    |(?<=认定书)\s?[(:：]?\s?(?:编号[:：]?)?第?\s?\d{{6,24}}\s?号""",
    re.VERBOSE,
)
# 借款合同（编号JK-2019-001）, 借据号HT2019001: a lender's own number of a paper, which says nothing of anybody.
_CONTRACT = re.compile(
    r"(?:合同(?<![签险]合同)(?<!买卖合同)|协议书?|借据|借条|欠条|保函|信用证)\s?[(]?(?:编号|号码|号|编码)?\s?[:：为]{0,2}\s?"
    r"(?P<x>(?=[\dA-Za-z\-/()]{0,20}[A-Za-z])(?![A-Za-z]{0,3}\d{12})[A-Za-z\d][A-Za-z\d\-/]{2,24})(?![A-Za-z\d])"
)
_STANDARD = re.compile(
    rf"(?<![A-Za-z\d\-·.{PROVINCE}])(?:GB|JGJ|JTG|CJJ|CECS)(?:/[TZ])?\s?\d{{2,6}}(?:\.\d{{1,3}})?(?:-(?:19|20)?\d{{2}})?(?![A-Za-z\d])"
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
    |法(?:释|发|办)?\s?{OPEN}\d{{4}}{CLOSE}\d{{1,3}}号
    |(?<=[院部委局署])令\s?(?:{OPEN}\d{{4}}{CLOSE})?第?\s?\d{{1,4}}\s?号
    |{_PARAGRAPH}""",
    re.VERBOSE,
)
# The letters of a title to land or a house, of a marriage: never of a case.
_TITLE_CODE = re.compile(
    r"不动产|产权|房权|房产|房地|房证|房字|房预|房他|预字|国用|集用|林权|林证|土地证|地证|权证|他项|他证|抵字|用证|[兵官驾驶业格生役员警工残]证字|承包权|承包经营|预告|草原|海域|使用权|股权证|预售|军官|士官|[结离]婚|[结离]字|民[结离]"
)
_CASE_CODE = re.compile(r"[民刑行执破赔恢财商仲裁劳罚征复调]|知|公证|证[民执经内外]|[初终]字")
# 测土房(2014)字第…号: no court writes its year so.
_WITHOUT_COURT = re.compile(rf"{OPEN}[^一-龥]{{4,8}}{CLOSE}\s?字")
# 测土字第…号: no letter of it is of a case, and one is of land.
_TITLE_LIKE = re.compile(r"[房地林权土宅草海产国集农牧渔水政][一-龥]{0,4}字")
_TITLE_AHEAD = re.compile(r"\s?的?\s?[《“]?[一-龥]{0,6}(?:土地|房产|房屋|产权|不动产|林权|使用|承包)[一-龥]{0,6}证")
_TITLE_BEHIND = re.compile(
    r"(?:[房地林权国集用宅草海产土][一-龥]{0,4}(?:字|证|用|建|项|房)|(?<![公仲])证(?:书|件)?(?:字号|编号|号码?)?|[结离]字|民[结离])\s?[:：为]?\s?$"
)
_REST_OF_DATE = r"""(?:\s?[年./\-]\s?(?:1[0-2]|0?[1-9])(?:\s?[月./\-]\s?(?:[12]\d|3[01]|0?[1-9])(?![\d%元万亿])\s?[日号曰]?|\s?月|(?![\d./\-]))
    |\s?年
    |(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d))"""
DATE = re.compile(rf"(?:19|20)\d{{2}}{_REST_OF_DATE}", re.VERBOSE)
"""A day, month or year at the place where it is matched."""

# Every way begins with a figure, so that a search skips from figure to figure; what stands before it is looked at behind it.
_KEPT = re.compile(
    rf"""\d(?<![\d.]\d)(?:
    (?:(?<=1)9|(?<=2)0)\d{{2}}年?\s?[\-~—至]\s?(?:19|20)\d{{2}}\s?(?:学?年度?|采暖|供暖|赛季)
    |(?<!\d[\-\s]\d)(?:(?:(?<=1)9|(?<=2)0)\d{{2}}{_REST_OF_DATE}
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
    if "合同" in text or "据" in text or "协议" in text:
        yield from (match.span("x") for match in _CONTRACT.finditer(text))
    if any(letters in text for letters in ("GB", "JG", "JT", "CJ", "CECS")):
        yield from (match.span() for match in _STANDARD.finditer(text))
    if "第" in text or "《" in text or "〔" in text:
        yield from (match.span() for match in _ARTICLE.finditer(text))


def _is_case(text: str, match: re.Match[str]) -> bool:
    if _TITLE_CODE.search(match[0]) or _TITLE_AHEAD.match(text, match.end()):
        return False
    if _WITHOUT_COURT.match(match[0]) and not _CASE_CODE.search(text[max(0, match.start() - 4) : match.start()]):
        return False
    if _CASE_CODE.search(match[0]):
        return True
    if _TITLE_LIKE.search(match[0]):
        return False
    return not _TITLE_BEHIND.search(text[max(0, match.start() - 12) : match.start()])


_NUMERAL = "零〇一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟萬億半"
# 三间, 六万元, 陆仟捌佰元整, 千分之五: kept whole, so that no surname is read in them (万, 陆, 伍).
# 三元食品有限公司, 三棵树镇: a name, and no amount.
_OF_NAME = (
    r"(?:[一-龥]{1,8}?(?:有限|公司|集团|厂|超市|商行|银行|树镇|树乡|店镇|房镇)|[一-龥]{0,2}[村镇乡县路街屯庄湾桥山])"
)
_COUNTED = any_of(
    listed("""
亩 吨 公斤 斤 平方米 立方米 平米 公里 公顷 辆 棵 株 匹 孔 眼 副 把 盏 艘 架 扇 樘 桌 罐 瓶 箱 袋 桶 册 笔 份 件 只羊 只鸡 头牛 头猪 %
""")
)
_SPELLED = re.compile(
    rf"""[零〇一二三四五六七八九十两壹贰叁肆伍陆柒捌玖拾半](?<![第{_NUMERAL}].)[{_NUMERAL}]{{0,32}}(?:余|多)?(?:[元圆](?!月|旦)(?:[{_NUMERAL}]{{1,3}}[角分]){{0,2}}整?|块(?!地)|间(?![接断隔])|套(?![取用路])|只(?![有能要是])|张(?=[欠借收条床票支])|成(?=[计的，。；、责\d])|{_COUNTED})(?!{_OF_NAME})
    |[一二][〇零○一二三四五六七八九]{{3}}年(?:度|[一二三四五六七八九十正冬腊]{{1,2}}月(?:[一二三四五六七八九十廿卅初]{{1,3}}[日号]?)?)?
    |(?:每?[日月年天])?[百千万]分之[{_NUMERAL}点]{{1,8}}""",
    re.VERBOSE,
)
_FOREIGN = any_of(
    listed(
        "港币 港元 港纸 澳门元 澳门币 美元 美金 欧元 日元 日币 英镑 韩元 韩币 加元 澳元 新台币 台币 新加坡元 新元 卢布 泰铢 人民币"
    )
)
# 港币200,000元, 每平方米26元: what the amount is counted in stands before it.
_AHEAD = re.compile(
    rf"(?:年化(?:利率)?|[年月日]利?息|{_FOREIGN})(?=\s{{0,2}}[￥¥$]?[\d{_NUMERAL}])|每(?:平方米|平米|立方米|公顷|公斤|公里|亩|吨|斤|米|套|台|件|辆|间|股|份|季度|个?月|日|天|年|人|户|次|棵|株|头|只)(?=\s?(?:计|按|人民币)?[\d{_NUMERAL}￥])"
)
_MONTH = re.compile(r"[JFMASOND][aepuco][nbrylgptvc]")
_ENGLISH_DATE = re.compile(
    r"(?:\d{1,2}\s)?(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?\s(?:\d{1,2},?\s)?(?:19|20)\d{2}"
)


def find_amounts(text: str) -> Iterator[tuple[int, int]]:
    """Dates, amounts and quantities; longer runs of figures were taken before."""
    for pattern in (_KEPT, _SPELLED, _AHEAD, *([_ENGLISH_DATE] if _MONTH.search(text) else ())):
        yield from (match.span() for match in pattern.finditer(text) if not _is_distance(text, match))


def _is_distance(text: str, match: re.Match[str]) -> bool:
    """Whether this tells where something lies, or how much of somebody is hurt: 村东约三公里, 打断了两根."""
    before = text[max(0, match.start() - 3) : match.start()]
    # 右眼视力0.1, 5周岁零3个月: somebody's health and age.
    if before.endswith(("视力", "岁零", "岁又")):
        return True
    # K812+450米: where along a road.
    if match[0].endswith(("米", "m", "km")) and (before.endswith("+") or text.startswith("+", match.end())):
        return True
    if match[0].endswith("间") and before.endswith(("头", "侧", "边", "端", "首", "口", "第")):
        return True
    if before.endswith(("断了", "折了", "瞎了", "掉了", "聋了", "伤了")):
        return True
    return match[0].endswith(_LENGTHS) and bool(_DIRECTION.search(before))


_LENGTHS = ("公里", "里", "米", "千米")
_DIRECTION = re.compile(r"[东西南北][约侧外]?$")
