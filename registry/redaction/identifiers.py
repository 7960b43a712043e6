"""Identifiers behind the words that say what they are: 身份证号, 账号, 微信, 不动产权第…号. Pure.

The word is found first, then what stands behind it is read as that kind of number is written, and the list goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from string import ascii_letters

from registry.redaction.figures import CLOSE, DATE, OPEN, PROVINCE, UNIT
from registry.redaction.online import NICK_VALUE, NICK_WORDS, NO_NAME, NUMBER_WORDS, PLATFORMS, SOCIAL_VALUE
from registry.redaction.trie import any_found, any_of, listed
from registry.redaction.vocabulary import ROLES, Named

_MASK = r"*×•●■□＊…"
_SEP = r"[\s\-.·_/]"
_PROVINCES = any_of(
    listed(
        "北京 天津 上海 重庆 河北 山西 内蒙古 内蒙 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆"
    )
)
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
    "extension": _kind("landline", r"\d{3,6}(?!\d)", 3),
    "tail": _kind("card", rf"\d{{2,8}}(?:[{_MASK}]{{1,12}}|[{_MASK}xX]{{2,8}})\d{{2,6}}(?!\d)|[{_MASK}]{{0,8}}\d{{2,8}}[Xx]?(?![\dA-Za-z])|(?=[A-Z\d]{{0,11}}\d)[A-Z\d]{{3,12}}(?![A-Za-z\d])|[{_MASK}]{{0,8}}\d{{2,8}}(?!\d)", 2),
    "last": _kind("id_number", r"(?:\d{2,8}|[\dXx])(?![\dA-Za-z.,])", 1),
    "mail": _kind(
        "email",
        r"(?=[A-Za-z0-9_.\-]*[A-Za-z0-9])[A-Za-z0-9_][A-Za-z0-9_.\-+#*]{2,60}(?:\s?(?:@|艾特|圈[aA]|[(\[]at[)\]])\s?[\w\-]+)?(?:\s?(?:[.·，,点]|dot)\s?(?:com|cn|net|org|edu|gov|example|中国)(?![A-Za-z])|\s(?:[A-Za-z0-9\-]+\.)+(?:com|cn|net|org))*",
        3,
    ),
    "id": _kind("id_number", rf"[A-Z]{{0,2}}\s?\d{{6,8}}\s?[(]\s?[\dA-Z]\s?[)]|[A-Z]{{1,2}}\s?\d[\d{_MASK}]{{5,7}}\s?[(]\s?[\dA-Z{_MASK}]\s?[)]|[157]/\d{{6}}/\d(?!\d)|[A-Z][12]\d{{8}}(?!\d)|[\dOIolBSZ{_MASK}](?:[{_MASK}\s\-.·_/]{{0,3}}{_NO_AMOUNT}[\dOIolBSZQDXx{_MASK}]){{3,18}}(?!\d)", 4),
    "card": _kind(
        "card",
        rf"\d{{4}}[\s\-]\d{{2,4}}[Xx]{{2}}[\s\-][Xx]{{4}}[\s\-]\d{{4}}(?!\d)|[A-Za-z]{{0,6}}[\d{_MASK}]{_NUMBERED}{{3,70}}|(?<=号)[A-Za-z][A-Za-z0-9_.\-@]{{3,30}}|(?<=[:：])[A-Za-z][A-Za-z0-9_.\-@]{{3,30}}",
    ),
    "pool": _kind("card", rf"[A-Za-z]{{0,4}}[\d{_MASK}]{_NUMBERED}{{7,34}}", 8),
    "phone": _kind(
        "mobile",
        rf"(?:[(（]\s?\+?\d{{2,4}}\s?[)）]|\+)?\s?\d?(?:[\s\-.·—_/]{{0,3}}{_NO_AMOUNT}[\d{_MASK}]){{4,17}}(?:\s?(?:转|分机|[-—]|ext\.?|EXT)\s?\d{{1,6}})?(?!\d)",
    ),
    "other": _kind(
        "other_id",
        rf"""(?:{OPEN}\s?\d{{4}}\s?{CLOSE}\s?)?(?:[一-龥]{{0,6}}字第?|[一-龥]{{0,3}}第|[一-龥]{{1,2}}(?=[A-Za-z\d]))?\s?(?:[Nn][Oo]\.?\s?)?
        (?:{OPEN}\s?\d{{4}}\s?{CLOSE}\s?[一-龥]{{0,4}}第?|\d{{4}}年?字?第)?[A-Za-z]{{0,6}}[\s\-]?[\d{_MASK}]{_NUMBERED}{{3,30}}(?:[(]\s?[\dA-Z]{{1,3}}\s?[)]|\s?号)?""",
    ),
    "vehicle": _kind("vehicle_number", rf"(?=[A-Za-z\-\s]{{0,12}}\d)[A-Za-z\d{_MASK}](?:[\s\-.·*]{{0,2}}{_NO_AMOUNT}{_ALNUM}){{3,24}}"),
    "plate": _kind(
        "plate",
        rf"""[一-龥]{{2,4}}\s?[A-Z]?\d{{4,7}}(?![\d.元万])|(?:临|WJ|民航)?\s?[{PROVINCE}使军空海警领无]?\s?[A-Za-z\d][\s·.\-•]{{0,3}}(?:[A-Za-z\d{_MASK}][\s·.\-]?){{3,7}}
        (?:(?<=[A-Za-z\d{_MASK}])\s?(?:[挂学警港澳领使试超临农](?![一-龥]{{0,1}}[路镇村])))?""",
        4,
    ),
    "social": _kind("social_account", SOCIAL_VALUE, 1),
    "nick": _kind("social_account", NICK_VALUE, 1),
}  # fmt: skip

_SHOWN = r"(?:号码?|编号|代码|证号|字号|件号码?|件编号|序号|ID|id)"
_PHONE_WORDS = listed("""
电话 电话号码 联系电话 手机 手机号 手机号码 移动电话 固定电话 固话 座机 座机号 办公电话 家庭电话 宅电 传真 热线 客服 联系方式 联系号码 联络电话 联络方式 联系人电话 通讯方式 通信方式 号码 致电 拨打 来电 去电 短信 呼叫 小灵通
机主号码 Tel TEL tel Phone phone Mobile mobile Fax FAX 電話 手機 聯繫電話 聯絡電話 聯繫方式 傳真
""")
_OTHER_WORDS = listed("""
注册编号 执业注册号 执业注册编号 注册证编号 执业印章号 开户许可证 开户许可证号 核准号 开户核准号 许可证号 特种设备证 特种设备操作证 操作证号 操作证 作业证 工作牌 胸牌号 门禁卡 门禁卡号 饭卡 饭卡号 加油卡 油卡 购物卡 购物卡号 礼品卡 会员卡号 会员证号 快递单号 运单号 运单编号 物流单号 货运单号 提单号 交易单号 交易流水号 流水号 订单号 订单编号 回单号 回单编号 支票号 支票号码 汇票号 汇票号码 票据号 票据号码 本票号码 发票号 发票号码 发票代码 终端号 终端编号 POS机号 POS机编号 商户编号 机具编号 宽带账号 宽带号 电费户号 水费户号 燃气户号 气表号 气表编号 水表编号 电表编号 钢号 桩号码 车位卡号 房卡号 钥匙卡号 社保电脑号 医保电脑号 个人编码 个人代码 人员编号 罪犯编号 囚号 服刑编号 学生编号 学生号 考号 考生编号 报名号 报名编号 登机牌 订座号 车次票号 信访编号 低保编号 特困证 优抚证 军残证 抚恤证 光荣证 独生子女光荣证 结婚登记字号 离婚登记字号 结婚登记证 离婚登记证 结婚登记证字号 离婚登记证字号 婚姻登记字号 准生证号 疫苗接种证 就医卡 就医卡号 床号卡 门诊病历 门诊病历号 门诊病历编号 检验号 影像号 超声号 CT号 片号 标本号 病理号 道路运输证 道路运输证号 道路运输经营许可证 运输证 营运证 营运证号 准运证 出海证 健康证 健康证号 预防接种证 接种证 计划生育证 生育证 老年证 优待证 军属证 烈属证 复员证 党员证 团员证 图书证 借书证 上学证 监护证 收养证 收养登记证 会员证 电工证 焊工证 叉车证 建造师证 注册证书
护照 护照本 通行证 往来港澳通行证 往来台湾通行证 台胞证 回乡证 港澳证 港澳居民来往内地通行证 旅行证 旅行证件 居留证 居留卡 居留许可 永久居留证 永久居留身份证 外国人居留证 签证 入境证 居住证 暂住证 海员证 船员证 船员服务簿
军官证 士兵证 士官证 文职干部证 军人证 军人保障卡 警官证 警官证号 退役证 退伍证 转业证 残疾军人证 警号 军号 学生证 学籍 学籍号 学号 准考证 考生号 毕业证 毕业证书 学位证 学位证书 工作证 工号 员工号 员工编号 记者证 导游证 会员号 会员卡
驾驶证 驾照 驾驶证档案 驾驶证档案编号 档案编号 档案号 机动车驾驶证 行驶证 准驾证 从业资格证 资格证 资格证书 特种作业证 上岗证 执业证 执业证书 律师证 律师执业证 医师执业证 医师资格证 护士证 教师资格证 职业资格证 会计证
社保卡 社保号 社保编号 社会保障卡 社会保障号 社会保障号码 社会保障 个人编号 个人社保编号 参保号 医保卡 医保号 医保编号 医疗证 新农合证 公积金账号 公积金号 公积金个人账号 结婚证 结婚证字号 离婚证 离婚证字号 出生证 出生证明 出生医学证明 准生证 独生子女证
残疾人证 残疾证 低保证 五保证 户口本 户口簿 户号 户口编号 病历 病历号 病案号 病历编号 住院号 住院编号 门诊号 就诊卡 就诊号 诊疗卡 体检号 检查号 登记号 死亡证 死亡证明 火化证 纳税人识别号 纳税识别号 税号 组织机构代码 组织机构代码证 营业执照 营业执照注册号 工商注册号
注册号 保单号 保险单号 保单 保险单 投保单 客户号 客户编号 电表号 燃气号 水表号 用户编号 机身号 序列号 设备号 IMEI imei MEID 串号 车票 票号 护照No 護照 證件 证号 证件代码
""")
_VEHICLE_WORDS = listed("""
车架号 车架号码 车架 大架号 底盘号 车身号 车辆识别代号 车辆识别代码 车辆识别码 车辆识别号 识别代号 识别代码 VIN VIN码 vin 发动机号 发动机号码 发动机编号 发动机 发动机型号 电机号 电动机号 电机编号 出厂编号 登记证书编号 机动车登记证书 机动车登记证书编号
车架钢印 车架钢印号 钢印号 钢印号码 车架码 车架编码 车架编号 整车编码 整车编号 车身编号 电机编码 电池编号 发动机钢印号 车架編號 車架號 引擎号 大架 大架钢印号 挂车大架 机身铭牌 铭牌 铭牌号 铭牌编号 机架号 机架编号 整机编号 整机号 主机编号 主机号 主机出厂编号 出厂号 出厂号码 产品编号 产品识别码 产品识别代码 机器编号 机械编号 车身码 车身代码 底盘编号 底盘编码 电瓶编号 引擎编号
""")
_PLATE_WORDS = listed(
    "字头 号牌 牌照字母 车牌字母 牌照字母数字部分 车牌字母数字部分 港牌 澳牌 香港牌 澳门牌 香港车牌 澳门车牌 港澳牌 黑牌 外籍牌 使馆牌 军牌 警牌 挂车号 主车号 牵引车号 车牌照 车牌照号 车牌号 车牌号码 牌号 牌证号 车辆牌号 车辆牌照号 号牌号码 登记号牌 厂内牌照 备案号牌 防盗备案号 防盗登记号 电动车牌 电动自行车牌号 车辆牌照 车牌 牌照 号牌 车号 车辆号牌 机动车号牌 临时号牌 車牌 挂靠车辆号"
)
_CARD_WORDS = listed("""
账号 帐号 帐户号 账户号 账户号码 卡号 银行卡号 银行账号 银行帐号 银行账户号 信用卡号 信用卡 借记卡 储蓄卡 工资卡 银行卡 贷记卡 一卡通 存折 存折号 存折账号 存单 存单号 存单账号 户头 折号 卡折号 收款账号 还款账号 付款账号 结算账号 对公账号 开户账号 开户号 监管账号 贷款账号 证券账号
资金账号 股东账号 股东代码 证券账户 期货账号 钱包地址 收款地址 账号为 賬號 帳號 卡號 IBAN iban 登录账号
""")
_POOL_WORDS = listed("""
账户 帐户 专户 专用账户 存款账户 结算账户 基本账户 一般账户 收款账户 还款账户 银行账户 保证金账户 案款账户 监管账户 户 卡 卡内 农行 工行 建行 中行 交行 邮储 农信 信用社 银行 支行 分行 营业部 转入 汇入 汇至 汇到 转至 打入 打到 打至 存入 转账至 转账到 賬戶 帳戶
""")
_ID_WORDS = listed("""
HKID 香港居民身份证 香港身份证 香港永久性居民身份证 香港永久居民身份证 澳门居民身份证 澳门身份证 澳门永久性居民身份证 台湾身份证 台湾居民身份证 全号 身份证字号 身份证 居民身份证 二代身份证 身份证件 身份证号 身份证号码 公民身份号码 公民身份证号码 公民身份证号 公民身份证 身份号码 身份证编号 身份证明 身份证明号码 证件号码 证件号 证件编号 身份ID 户籍证号 身份證 身份證號碼 公民身份號碼 证件
""")
_MAIL_WORDS = listed("""
邮箱 电子邮箱 电子信箱 电子邮件 电子邮件地址 邮箱地址 邮箱号 邮箱账号 邮箱名 邮箱前缀 邮件地址 邮址 QQ邮箱 网易邮箱 163邮箱 126邮箱 新浪邮箱 搜狐邮箱 企业邮箱 工作邮箱 公司邮箱 个人邮箱 谷歌邮箱 Gmail gmail Outlook outlook
E-mail e-mail E-Mail E-MAIL Email email EMail EMAIL Mail 電郵 电邮 電子郵件 電子郵箱 郵箱 伊妹儿
""")
_LAST_WORDS = listed("末位 末一位 最末位 最后一位 最末一位 末位数 最后一位数 末一位数")
_TAIL_WORDS = listed(
    "卡尾 户尾 账尾 后三 后四 后五 后六 后八 末三 末四 末六 尾四 尾六 前四 前六 后4 后6 末4 尾4 前6 尾号 尾號 卡尾号 户尾号 机尾号 尾数 尾码 末尾 末尾数字 结尾数字 最后数字"
) + [
    f"{place}{count}{kind}"
    for place in ("前", "后", "末", "末尾", "最后", "尾", "卡尾", "户尾", "账尾", "号尾")
    for count in (*"两二三四五六七八九十23456789", "10", "十一", "十二")
    for kind in ("位", "位数", "位号码", "位数字")
]
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
        ("social", NUMBER_WORDS),
        ("nick", NICK_WORDS),
        ("tail", _TAIL_WORDS),
        ("last", _LAST_WORDS),
        ("mail", _MAIL_WORDS),
        ("extension", listed("分机 分机号 分机号码 短号 内线")),
    )
    for word in group
}
_KEYWORD = re.compile(any_found(_WORDS))
_AFTER_WORD = re.compile(rf"(?:证件|证书|注册|登记|档案)?{_SHOWN}?")
_AFTER_PLATFORM = re.compile(
    r"(?:[)]\s?(?=[A-Za-z0-9_]))?\s?(?:平台|APP|app)?的?(?:账号|帐号|账户|帐户|号码|号|公众号|收款|小号|零钱通?(?:账户|帐户)?|钱包(?:账户|帐户)?|同号|U?ID|id|用户|UP主|up主|博主|主播|频道|房间|直播间)?(?:号码?|ID)?"
)
_AFTER_PLATFORM_NICK = re.compile(
    r"\s?(?:账号|帐号|账户|号)?的?\s?(?:昵称|网名|用户名|群名称?|名称?|备注名?|签名|头像|(?:群聊?|好友)(?=\s?[:：为叫是“\"「『‘【(A-Za-z0-9]))"
)
_LINK = re.compile(
    r"(?:\s?[(](?:[^()【】\[\]\d\0\1A-Za-z]|[A-Za-z](?![A-Za-z\d])){0,20}[)])?\s{0,2}[❤♥★☆→\U0001F000-\U0001FAFF\uFE0F]{0,3}(?:分别|依次|均|亦|显示|登记|注册|标注)?(?:[:：为是系即叫]|均为|尾号|开头){0,3}\s{0,2}[“\"「『‘'(【\[]{0,2}\s?(?:(?<=[(【\[])(?:证件号码|证书编号|证书号|证件号|证号|字号|编号|号码|卡号|号)\s?[:：为是]?\s?)?(?:[Nn][Oo]\.?|№|#)?\s?"
)
# The label again, inside a bracket or behind the name of the bank: 支付宝（账号…）.
_LABEL = re.compile(r"(?:账号|帐号|账户|ID|id|号码?|昵称|用户名|名称?|手机号|绑定手机)\s?[:：为是]?\s?[“\"]?\s?")
_QUOTES = ("“", "「", "『")
_NEXT_ACCOUNT = re.compile(
    rf"(?!{any_of(PLATFORMS)}(?!id_))(?=[A-Za-z]{{0,20}}[\d_\-.])[A-Za-z][\w\-.]{{3,39}}(?![一-龥])|[1-9]\d{{4,11}}(?!\d|{UNIT}|[年月日.,])",
    re.ASCII,
)
_JOIN = re.compile(r"\s?[”」』]?\s?(?:[、/；;,，]|以?及|和|与|或)\s?(?:[(“\"「『]\s?)?")
# 微信（账号…）, 昵称为…: anything may stand there; else a number begins with a figure, a letter, a bracket or one character.
_VALUE_START = re.compile(r"[^\s，。；、,;\0\1]")
_AFTER_AMOUNT = re.compile(rf"(?:\.\d+)?{UNIT}|,\d{{3}}")
_SIGN = re.compile(r"(?<![A-Za-z])(?:N[Oo0]\s?[.:：]?|№)\s?$")
# QQ：990012345（蓝色风铃）: what the holder of the account calls himself.
_CALLED = re.compile(
    rf"\s?[(](?!{NO_NAME}|{ROLES}|即|昵称|备注|网名|原告|被告|涉案|尾号|\d|[一-龥]{{2,4}}[)])(?P<x>[^()，。；：、,;:“”\"\s\0\1]{{1,12}})(?<![号码户用同为系是有的人])[)]"
)
_LONG_ENOUGH = 7
_WITHOUT_FIGURES = frozenset({"social_account", "email"})
_MOBILE = re.compile(r"(?:[+(]{0,2}\s?(?:00)?86[)\s\-]{0,2})?1\s?[3-9*]")


def find_keyworded(text: str) -> Iterator[Named]:
    """Identifiers with a word before them that names their kind, and those that the list goes on with."""
    end = 0
    for keyword in _KEYWORD.finditer(text):
        if keyword.start() < end or _is_in_word(text, keyword):
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
            yield replace(value, start=_start_with_sign(text, value.start))
        if kind.rule == "social_account" and (called := _CALLED.match(text, end)):
            yield Named("social_account", *called.span("x"), "high")


def _start_with_sign(text: str, start: int) -> int:
    """Where a number begins with the sign before it: NO.00123."""
    sign = _SIGN.search(text, max(0, start - 4), start)
    return sign.start() if sign else start


def _is_in_word(text: str, keyword: re.Match[str]) -> bool:
    """Whether Latin letters are but a part of a longer word: wxid_ab12."""
    start = keyword.start()
    return keyword[0].isascii() and (
        (start > 0 and text[start - 1] in ascii_letters) or text.startswith("wxid_", start)
    )


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
        if join is None or (kind.rule == "social_account" and not _goes_on(text, value, join)):
            return
        start, first = join.end(), False


def _goes_on(text: str, value: Named, join: re.Match[str]) -> bool:
    """Whether the next account of a list begins here: in quotation marks as well, or a number among numbers."""
    if join[0].rstrip().endswith(_QUOTES):
        return True
    return text[value.start : value.end].isascii() and bool(_NEXT_ACCOUNT.match(text, join.end()))


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
    if kind.rule not in _WITHOUT_FIGURES and kind.least > 1 and figures < 2:
        return None
    if figures < 16 and value[-1].isdigit() and _AFTER_AMOUNT.match(text, end):
        return None
    if not value.isdigit() and (day := DATE.match(text, start)) and day.end() >= end and figures < 9:
        return None
    rule = "landline" if kind.rule == "mobile" and not _MOBILE.match(value) else kind.rule
    return Named(rule, start, end, "high")


_BY_LETTER = rf"[A-Za-z0-9{_MASK}]"
_PLATE = rf"""(?:WJ\s?|临\s?)?[{PROVINCE}滇黔使军空海警][\s·.\-•“”]{{0,2}}(?:[A-Za-z]|\d{{2}}(?![\s·.\-•]?\d{{0,3}}[民刑行执财破]))(?:[\s·.\-•/_]{{0,3}}|[)]|[·]?临|\s?挂\s?|一(?=[A-Z0-9]{{4,5}}(?![A-Z0-9年月]))|\s?[“"【\[(])
    (?=[A-Za-z0-9\s·{_MASK}]{{0,6}}\d)(?:(?:{_BY_LETTER}[\s·]?){{4}}{_BY_LETTER}(?:\s?{_BY_LETTER})?|{_BY_LETTER}{{4}}\s?[(]?[挂学警港澳领试超临使农])(?![A-Za-z0-9])(?:\s?[挂学警港澳领试超临])?
    |WJ[\s·.\-]?(?:\d{{2}}|[{PROVINCE}])[\s·.\-]?[\dA-Z]{{4,5}}(?!\d)
    |(?:{_PROVINCES})\s?[A-Z][\s·]?(?=[A-Z]{{0,5}}\d)[A-Z0-9]{{5,6}}(?![A-Za-z0-9])
    |[{PROVINCE}](?:[A-Z][\s·.]?挂[\s·]?[A-Z0-9]{{4,5}}(?![A-Za-z0-9])|[A-Z](?=[A-Z]{{0,3}}\d)[A-Z0-9]{{4}}(?![A-Za-z0-9\-.]|线|高速|公路|国道|省道|段|合同|桩|收费)
    |[A-Z]?[”"」』]?\s?字头[，、,的:：]{{0,2}}\s?[A-Z][\s·.\-]?(?=[A-Z]{{0,4}}\d)[A-Z0-9]{{4,6}}(?![A-Za-z0-9]))
    |(?<=[一-龥]牌)[A-Z](?=[A-Z0-9]{{0,2}}\d[A-Z0-9]?\d)[A-Z0-9]{{5}}(?![A-Za-z0-9\-])
    |[粤]\s?Z[\s·.]?[A-Z0-9]{{4}}[港澳]
    |使\s?\d{{3}}[\s·.\-]?\d{{3}}(?!\d)
    |(?<![A-Za-z0-9])[VZKHEGLMNPSBCTYJ][A-Z][\s·.]?\d{{5}}(?=\s?号?\s?(?:轿车|货车|客车|汽车|机动车|越野|面包|车|小型|中型|重型|轻型|大型))"""
PLATE = re.compile(_PLATE, re.VERBOSE)
_SHIP = re.compile(
    rf"""[{PROVINCE}][一-龥]{{0,4}}[渔货油拖客驳运机冷工捞港]\s?[A-Za-z]{{0,3}}\d{{2,6}}(?=\s?号?[”"』]?\s?(?:轮|船|[渔货油客驳工]船|拖轮))
    |(?<=[船轮舶])[“"]?[{PROVINCE}][一-龥]{{0,4}}[渔货油拖客驳运机冷工捞港]\s?[A-Za-z]{{0,3}}\d{{2,6}}""",
    re.VERBOSE,
)
_NEXT_PLATE = re.compile(
    r"\s?(?:号|车)?\s?[、,，/和及与]\s?(?P<x>[A-Z][·\-]?(?=[A-Z]{0,4}\d)[A-Z0-9]{5,6})(?![A-Za-z0-9])"
)


_ACCOUNT_BEHIND = re.compile(
    r"\d(?<![\d.\-].)(?:\d{2,5}(?=\s?[”\"]?(?:的|号)?(?:账户|帐户|银行卡|储蓄卡|信用卡|借记卡|存折|专户|(?<=\d{4})卡[转内中支取存付的，。；、)上里]))"
    r"|\d{1,11}(?=\s?[”\"」]?\s?(?:开头|打头|起头|起首|为首|结尾|收尾|尾号(?![:：为是\s\d]))))"
)
# 工行卡8899, 账户（8899）: the last figures behind the word, where no word says that they are the last.
_ACCOUNT_BEFORE = re.compile(
    r"(?:[行信储社]卡|(?:卡|账户|帐户|存折|折子|存单)(?=\s?[(【“]))\s?(?:[(【“]\s?(?:末位|末|尾)?\s?)?(?P<x>\d{4})(?=[)】”，。；、的号转付内中支取存]|$)"
)


def find_account_tails(text: str) -> Iterator[Named]:
    """The last figures of an account that stand before the word: 3377账户."""
    if any(word in text for word in ("户", "卡", "存折", "头", "尾")):
        yield from (Named("card", *match.span(), "high") for match in _ACCOUNT_BEHIND.finditer(text))
        yield from (Named("card", *match.span("x"), "high") for match in _ACCOUNT_BEFORE.finditer(text))


def find_plates(text: str) -> Iterator[Named]:
    """Number plates by their shape, and those a list goes on with, 云A12345、B23456; the numbers of ships."""
    if "船" in text or "轮" in text:
        yield from (Named("vehicle_number", *ship.span(), "high") for ship in _SHIP.finditer(text))
    for plate in PLATE.finditer(text):
        yield Named("plate", *plate.span(), "high")
        end = plate.end()
        while following := _NEXT_PLATE.match(text, end):
            yield Named("plate", *following.span("x"), "high")
            end = following.end()
