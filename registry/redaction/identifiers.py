"""Identifiers behind the words that say what they are: 身份证号, 账号, 微信, 不动产权第…号. Pure.

The word is found first, then what stands behind it is read as that kind of number is written, and the list goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry.redaction.figures import CLOSE, DATE, OPEN, PROVINCE, UNIT
from registry.redaction.online import PLATFORMS
from registry.redaction.trie import any_of, listed
from registry.redaction.vocabulary import Named

_MASK = r"*×•●■□＊"
_SEP = r"[\s\-.·_/]"
_NO_AMOUNT = rf"(?!\d[\d,]*(?:\.\d+)?{UNIT})"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a number of one rule is written; `least` is the number of letters and figures without which it is none."""

    rule: str
    value: re.Pattern[str]
    least: int = 5


def _kind(rule: str, pattern: str, least: int = 5) -> _Kind:
    return _Kind(rule, re.compile(pattern, re.VERBOSE), least)


_ALNUM = rf"[A-Za-z\d{_MASK}]"
_NUMBERED = rf"(?:{_SEP}{{0,2}}{_NO_AMOUNT}{_ALNUM})"
_KINDS = {
    "tail": _kind("card", r"\d{2,8}[Xx]?(?!\d)", 2),
    "id": _kind("id_number", rf"[\dOIolBSZ{_MASK}](?:[{_MASK}\s\-.·_/]{{0,3}}{_NO_AMOUNT}[\dOIolBSZQDXx{_MASK}]){{3,18}}(?!\d)", 4),
    "card": _kind(
        "card",
        rf"[A-Za-z]{{0,6}}[\d{_MASK}]{_NUMBERED}{{3,34}}|(?<=号)[A-Za-z][A-Za-z0-9_.\-@]{{3,30}}|(?<=[:：])[A-Za-z][A-Za-z0-9_.\-@]{{3,30}}",
    ),
    "pool": _kind("card", rf"[A-Za-z]{{0,4}}[\d{_MASK}]{_NUMBERED}{{7,34}}", 8),
    "phone": _kind(
        "mobile",
        rf"(?:[(（]\s?\+?\d{{2,4}}\s?[)）]|\+)?\s?\d?(?:[\s\-.·—_/]{{0,3}}{_NO_AMOUNT}[\d{_MASK}]){{4,17}}(?:\s?(?:转|分机|[-—]|ext\.?|EXT)\s?\d{{1,6}})?(?!\d)",
    ),
    "other": _kind(
        "other_id",
        rf"""(?:{OPEN}\s?\d{{4}}\s?{CLOSE}\s?)?(?:[一-龥]{{1,6}}字第?|[一-龥]{{0,3}}第|[一-龥]{{1,2}}(?=[A-Za-z\d]))?\s?
        (?:{OPEN}\s?\d{{4}}\s?{CLOSE}\s?[一-龥]{{0,4}}第?)?[A-Za-z]{{0,6}}[\s\-]?[\d{_MASK}]{_NUMBERED}{{3,30}}(?:[(]\s?[\dA-Z]\s?[)]|\s?号)?""",
    ),
    "vehicle": _kind("vehicle_number", rf"(?=[A-Za-z\-\s]{{0,12}}\d)[A-Za-z\d{_MASK}](?:[\s\-.·*]{{0,2}}{_NO_AMOUNT}{_ALNUM}){{3,24}}"),
    "plate": _kind(
        "plate",
        rf"""(?:临|WJ|民航)?\s?[{PROVINCE}使军空海警领无]?\s?[A-Za-z\d][\s·.\-•]{{0,3}}(?:[A-Za-z\d{_MASK}][\s·.\-]?){{3,7}}
        (?:(?<=[A-Za-z\d{_MASK}])\s?(?:[挂学警港澳领使试超临农](?![一-龥]{{0,1}}[路镇村])))?""",
        4,
    ),
    "social": _kind(
        "social_account",
        rf"""(?<=[“"「『‘])[^“”"「」『』。；\n\0\1]{{1,24}}(?=[”"」』’])
        |(?=[A-Za-z0-9_.\-]*[A-Za-z0-9])[A-Za-z0-9_\-][A-Za-z0-9_.\-]{{3,39}}(?:\s{{1,2}}{_NO_AMOUNT}[A-Za-z0-9_.\-]+){{0,2}}(?:@[A-Za-z0-9.\-]+)?
        |\d(?:\s\d){{4,14}}(?!\d)
        |(?<=[:：])[^\s，。；：、,;:()“”"「」\0\1]{{2,20}}(?=[，。；、,;)\s]|$)
        |(?<=[(])(?!中国|网络|以下|下同|含|包括|转账|账号|账户|号)[^()，。；：、\n\0\1]{{2,20}}(?=[)])
        |(?<=号)(?![上中内里发直公开停删道赔连置向于在并及和与等均所的进为是被由予以已系转付收支])[㐀-鿿A-Za-z0-9_]{{2,12}}?(?=[，。；、,;)的]|发布|直播|账号|主播|粉丝|视频|向|在|于|$)""",
        1,
    ),
    "nick": _kind(
        "social_account",
        r"""(?:(?<=[“"「『‘'《【])[^“”"「」『』‘’'《》【】。；\n\0\1]{1,24}(?=[”"」』’'》】])
        |(?<=[:：])[^，。；：、,;()“”"「」\n\0\1]{1,24}?(?=[，。；、,;)]|的|$)
        |(?=[A-Za-z0-9_.\-]*[A-Za-z0-9])[A-Za-z0-9_\-.@]{2,40}(?![”"」』])
        |(?:(?<=[:：为叫是])|(?<=昵称)|(?<=网名)|(?<=信名)|(?<=用户名)|(?<=会员名)|(?<=昵称\s)|(?<=网名\s)|(?<=信名\s)|(?<=用户名\s))[^\s，。；：、,;:()“”"「」\0\1]{1,16}?(?=的|(?:用户|账号|好友|网友|发布|在|于|向|与|和|发|之人|，|。|；|、|\)|\(|,|;|$)))""",
        1,
    ),
}  # fmt: skip

_SHOWN = r"(?:号码?|编号|代码|证号|字号|件号码?|件编号|序号|ID|id)"
_PHONE_WORDS = listed("""
电话 电话号码 联系电话 手机 手机号 手机号码 移动电话 固定电话 固话 座机 座机号 办公电话 家庭电话 宅电 传真 热线 客服 联系方式 联系号码 联络电话 联络方式 联系人电话 通讯方式 通信方式 号码 致电 拨打 来电 去电 短信 呼叫 小灵通 短号
机主号码 Tel TEL tel Phone phone Mobile mobile Fax FAX 電話 手機 聯繫電話 聯絡電話 聯繫方式 傳真
""")
_OTHER_WORDS = listed("""
护照 护照本 通行证 往来港澳通行证 往来台湾通行证 台胞证 回乡证 港澳证 港澳居民来往内地通行证 旅行证 旅行证件 居留证 居留卡 居留许可 永久居留证 永久居留身份证 外国人居留证 签证 入境证 居住证 暂住证 海员证 船员证 船员服务簿
军官证 士兵证 士官证 文职干部证 军人证 军人保障卡 警官证 警官证号 退役证 退伍证 转业证 残疾军人证 警号 军号 学生证 学籍 学籍号 学号 准考证 考生号 毕业证 毕业证书 学位证 学位证书 工作证 工号 员工号 员工编号 记者证 导游证 会员号 会员卡
驾驶证 驾照 驾驶证档案 驾驶证档案编号 档案编号 档案号 机动车驾驶证 行驶证 准驾证 从业资格证 资格证 资格证书 特种作业证 上岗证 执业证 执业证书 律师证 律师执业证 医师执业证 医师资格证 护士证 教师资格证 职业资格证 会计证
社保卡 社保号 社保编号 社会保障卡 社会保障号 社会保障号码 社会保障 个人编号 个人社保编号 参保号 医保卡 医保号 医保编号 医疗证 新农合证 公积金账号 公积金号 公积金个人账号 结婚证 结婚证字号 离婚证 离婚证字号 出生证 出生证明 出生医学证明 准生证 独生子女证
残疾人证 残疾证 低保证 五保证 户口本 户口簿 户号 户口编号 病历 病历号 病案号 病历编号 住院号 住院编号 门诊号 就诊卡 就诊号 诊疗卡 体检号 检查号 登记号 死亡证 死亡证明 火化证 纳税人识别号 纳税识别号 税号 组织机构代码 组织机构代码证 营业执照 营业执照注册号 工商注册号
注册号 保单号 保险单号 保单 保险单 投保单 客户号 客户编号 电表号 燃气号 水表号 用户编号 机身号 序列号 设备号 IMEI imei MEID 串号 车票 票号 护照No 護照 證件 证号 证件代码
""")
_VEHICLE_WORDS = listed("""
车架号 车架号码 车架 大架号 底盘号 车身号 车辆识别代号 车辆识别代码 车辆识别码 车辆识别号 识别代号 识别代码 VIN VIN码 vin 发动机号 发动机号码 发动机编号 发动机 发动机型号 电机号 电动机号 电机编号 出厂编号 登记证书编号 机动车登记证书 机动车登记证书编号
车架編號 車架號 引擎号
""")
_PLATE_WORDS = listed("车辆牌照 车牌 牌照 号牌 车号 车辆号牌 机动车号牌 临时号牌 車牌 挂靠车辆号")
_CARD_WORDS = listed("""
账号 帐号 帐户号 账户号 账户号码 卡号 银行卡号 银行账号 银行帐号 银行账户号 信用卡号 信用卡 借记卡 储蓄卡 工资卡 银行卡 贷记卡 一卡通 存折 存折号 存折账号 存单 存单号 存单账号 户头 折号 卡折号 收款账号 还款账号 付款账号 结算账号 对公账号 开户账号 开户号 监管账号 贷款账号 证券账号
资金账号 股东账号 股东代码 证券账户 期货账号 钱包地址 收款地址 账号为 賬號 帳號 卡號 IBAN iban 登录账号
""")
_POOL_WORDS = listed("""
账户 帐户 专户 专用账户 存款账户 结算账户 基本账户 一般账户 收款账户 还款账户 银行账户 保证金账户 案款账户 监管账户 户 卡 卡内 农行 工行 建行 中行 交行 邮储 农信 信用社 银行 支行 分行 营业部 转入 汇入 汇至 汇到 转至 打入 打到 打至 存入 转账至 转账到 賬戶 帳戶
""")
_ID_WORDS = listed("""
身份证 居民身份证 二代身份证 身份证件 身份证号 身份证号码 公民身份号码 公民身份证号码 公民身份证号 公民身份证 身份号码 身份证编号 身份证明 身份证明号码 证件号码 证件号 证件编号 身份ID 户籍证号 身份證 身份證號碼 公民身份號碼 证件
""")
_NICK_WORDS = listed(
    "用户名 登录名 会员名 昵称 网名 用户昵称 群名 群名称 群聊名 群聊名称 直播间名 直播间 店铺名 店名为"
)
_TAIL_WORDS = listed("尾号 尾號 卡尾号 末四位 末六位 末三位 末两位 后四位 后六位 后三位 后两位 后八位 末尾四位 尾数")
_WORDS = {
    word: name
    for name, group in (
        ("pool", _POOL_WORDS),
        ("card", _CARD_WORDS),
        ("plate", _PLATE_WORDS),
        ("phone", _PHONE_WORDS),
        ("id", _ID_WORDS),
        ("other", _OTHER_WORDS),
        ("vehicle", _VEHICLE_WORDS),
        ("social", PLATFORMS),
        ("nick", _NICK_WORDS),
        ("tail", _TAIL_WORDS),
    )
    for word in group
}
_KEYWORD = re.compile(any_of(_WORDS))
_AFTER_WORD = re.compile(rf"(?:证件|证书|注册|登记|档案)?{_SHOWN}?")
_AFTER_PLATFORM = re.compile(r"\s?(?:账号|帐号|账户|帐户|号码|号|公众号|收款|小号|钱包)?(?:号码?)?")
_AFTER_PLATFORM_NICK = re.compile(
    r"\s?(?:账号|帐号|账户|号)?\s?(?:昵称|网名|用户名|群名称?|群聊?|好友|名称?|备注名?|签名|头像|ID|id)"
)
_LINK = re.compile(
    r"(?:\s?[(【\[][^()【】\[\]\d\0\1A-Za-z]{0,20}[)】\]])?\s{0,2}(?:分别|依次|均|亦)?(?:[:：为是系即叫]|均为|尾号|开头){0,3}\s{0,2}[“\"「『‘'(【\[]{0,2}\s?(?:[Nn][Oo]\.?|№|#)?\s?"
)
# The label again, inside a bracket or behind the name of the bank: 支付宝（账号…）.
_LABEL = re.compile(r"(?:账号|帐号|账户|ID|id|号码?|昵称|用户名|名称?|手机号|绑定手机)\s?[:：为是]?\s?[“\"]?\s?")
_QUOTES = ("“", "「", "『")
_JOIN = re.compile(r"\s?[”」』]?\s?(?:[、/；;,，]|以?及|和|与|或)\s?(?:[(“\"「『]\s?)?")
# 微信（账号…）, 昵称为…: anything may stand there; else a number begins with a figure, a letter, a bracket or one character.
_VALUE_START = re.compile(r"[^\s，。；、,;\0\1]")
_AFTER_AMOUNT = re.compile(rf"(?:\.\d+)?{UNIT}|,\d{{3}}")
_LONG_ENOUGH = 7
_MOBILE = re.compile(r"(?:[+(]{0,2}\s?(?:00)?86[)\s\-]{0,2})?1\s?[3-9*]")


def find_keyworded(text: str) -> Iterator[Named]:
    """Identifiers with a word before them that names their kind, and those that the list goes on with."""
    end = 0
    for keyword in _KEYWORD.finditer(text):
        if keyword.start() < end:
            continue
        kind, start = _read_keyword(text, keyword)
        link = _LINK.match(text, start)
        start = link.end() if link else start
        if not _VALUE_START.match(text, start):
            continue
        if kind.rule == "social_account" and (label := _LABEL.match(text, start)):
            start = label.end()
            if label[0].startswith(("昵称", "用户名", "名")):
                kind = _KINDS["nick"]
        # A year in brackets may begin the number itself: 结婚证字号（2005）…字第…号.
        begins = (start,) if kind.rule != "other_id" or not link else (link.start(), start)
        for value in next((found for at in begins if (found := list(_read_list(text, at, kind)))), []):
            end = value.end
            yield value


def _read_keyword(text: str, keyword: re.Match[str]) -> tuple[_Kind, int]:
    """What kind the word promises, and where the words that belong to it end."""
    name = _WORDS[keyword[0]]
    if name == "social":
        nick = _AFTER_PLATFORM_NICK.match(text, keyword.end())
        if nick:
            return _KINDS["nick"], nick.end()
        after = _AFTER_PLATFORM.match(text, keyword.end())
    else:
        after = _AFTER_WORD.match(text, keyword.end())
    return _KINDS[name], after.end() if after else keyword.end()


def _read_list(text: str, start: int, kind: _Kind) -> Iterator[Named]:
    first = True
    while value := _read_value(text, start, kind, first):
        yield value
        join = _JOIN.match(text, value.end)
        if join is None or (kind.rule == "social_account" and not join[0].rstrip().endswith(_QUOTES)):
            return
        start, first = join.end(), False


def _read_value(text: str, start: int, kind: _Kind, first: bool) -> Named | None:
    match = kind.value.match(text, start)
    if match is None:
        return None
    value = match[0].rstrip(" -.·_/\n")
    size = sum(c.isalnum() or c in _MASK for c in value)
    figures = sum(c.isdigit() for c in value)
    if size < (kind.least if first or kind.rule in ("card", "social_account") else max(kind.least, _LONG_ENOUGH)):
        return None
    end = start + len(value)
    if kind.rule not in ("social_account",) and figures < 2:
        return None
    if figures < 16 and value[-1].isdigit() and _AFTER_AMOUNT.match(text, end):
        return None
    if not value.isdigit() and (day := DATE.match(text, start)) and day.end() >= end and figures < 9:
        return None
    rule = "landline" if kind.rule == "mobile" and not _MOBILE.match(value) else kind.rule
    return Named(rule, start, end, "high")


_PLATE = rf"""(?:WJ\s?|临\s?)?[{PROVINCE}使军空海警][\s·.\-•]{{0,2}}(?:[A-Za-z]|\d{{2}}(?![\s·.\-•]?\d{{0,3}}[民刑行执财破]))[\s·.\-•]{{0,3}}
    (?=[A-Za-z0-9\s]{{0,6}}\d)(?:(?:[A-Za-z0-9{_MASK}]\s?){{4}}[A-Za-z0-9{_MASK}](?:\s?[A-Za-z0-9{_MASK}])?|[A-Za-z0-9{_MASK}]{{4}}\s?[挂学警港澳领试超临使农])(?![A-Za-z0-9])(?:\s?[挂学警港澳领试超临])?
    |WJ\s?(?:\d{{2}}|[{PROVINCE}])[\s·.\-]?[\dA-Z]{{4,5}}(?!\d)
    |[粤]\s?Z[\s·.]?[A-Z0-9]{{4}}[港澳]
    |使\s?\d{{3}}[\s·.]?\d{{3}}(?!\d)
    |(?<![A-Za-z0-9])[VZKHEGLMNPSBCTYJ][A-Z][\s·.]?\d{{5}}(?=\s?号?\s?(?:轿车|货车|客车|汽车|机动车|越野|面包|车|小型|中型|重型|轻型|大型))"""
PLATE = re.compile(_PLATE, re.VERBOSE)
