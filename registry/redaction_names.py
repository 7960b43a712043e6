"""Whom a text names: people in their roles, organisations, and addresses below the county.

Chinese writes no spaces, so a name ends where a word begins that commonly follows names in a judgment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry.redaction_numbers import Confidence
from registry.surnames import COMMON_SURNAMES, COMPOUND_SURNAMES, SURNAMES

HAN = r"㐀-鿿豈-﫿\U00020000-\U0003ffff〇"
DOT = "·•・‧∙⋅●."
_SURNAME = "".join(sorted(SURNAMES))
_SURNAME_OR_COMPOUND = rf"(?:[{_SURNAME}]|{'|'.join(sorted(COMPOUND_SURNAMES))})"


@dataclass(frozen=True, slots=True)
class Named:
    """A span that names somebody or some place."""

    rule: str
    start: int
    end: int
    confidence: Confidence


def _words(text: str) -> str:
    return "|".join(sorted(set(text.split()), key=len, reverse=True))


class _Vocabulary:
    """Words looked up where they would begin; a set is many times faster than a pattern of three hundred words."""

    def __init__(self, words: str) -> None:
        self._words = frozenset(words.split("|"))
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)

    def find_at(self, text: str, position: int) -> str:
        """The longest word that begins at `position`, or nothing."""
        for length in self._lengths:
            word = text[position : position + length]
            if word in self._words:
                return word
        return ""


_ROLES = _words("""
原告人 原告 被告人 被告 申请执行人 被申请执行人 被执行人 申请人 被申请人 上诉人 被上诉人 再审申请人 原审原告 原审被告 第三人 案外人
担保人 连带保证人 共同保证人 保证人 抵押人 抵押权人 出质人 质权人 借款人 共同借款人 实际借款人 出借人 贷款人 债权人 债务人 共同债务人
次债务人 受让人 转让人 买受人 出卖人 购买人 买方 卖方 供货人 出租人 承租人 转租人 房东 发包人 承包人 分包人 实际施工人 施工人 雇主 雇员 用人单位
法定代表人 法定代理人 委托代理人 委托诉讼代理人 诉讼代理人 代理人 负责人 经营者 业主 实际控制人 股东 合伙人 证人 被害人 受害人 受害者
死者 死亡人 伤者 继承人 被继承人 监护人 被监护人 近亲属 家属 丈夫 妻子 其妻 其夫 之妻 之夫 前妻 前夫 配偶 父亲 母亲 其父 其母 之父
之母 岳父 岳母 公公 婆婆 祖父 祖母 爷爷 奶奶 外公 外婆 儿子 女儿 其子 其女 之子 之女 长子 次子 三子 长女 次女 三女 养子 养女 继子 继女
婚生子 婚生女 婚生男孩 婚生女孩 婚生子女 非婚生子 非婚生女 子女 孩子 小孩 男孩 女孩 孙子 孙女 外孙 外孙女 哥哥 弟弟 姐姐 妹妹
之兄 之弟 之姐 之妹 收款人 付款人 户名 开户名 账户名 收款方 联系人 经办人 驾驶人 驾驶员 司机 车主 乘客 行人 工人 农民工 劳动者 职工 员工
学生 患者 邻居 同学 朋友 村民 居民 自诉人 附带民事诉讼原告人 附带民事诉讼原告 赔偿义务人 赔偿权利人 权利人 义务人 竞买人 姓名 人名
""")
_ROLE = re.compile(rf"(?:{_ROLES})(?![民数身们])(?:\s?[(（][^()（）]{{1,12}}[)）])?[\s:：]{{0,3}}")
_JOIN = re.compile(
    rf"(?:\s?[、,，;；/]\s?|\s?(?:以及|和|与|及|暨)\s?|\s+)(?:(?:{_ROLES})(?![民数身们])[\s:：]{{0,2}})?"
)

# What commonly follows a name. One-character words need more to be sure: they also occur inside names.
_FOLLOWING = _words("""
偿还 归还 返还 支付 给付 赔偿 清偿 退还 退回 退赔 交付 交还 缴纳 承担 负担 履行 协助 配合 腾退 腾空 搬离 搬出 停止 拆除 恢复 办理 过户 继续 连带
共同 名下 所有 所欠 所借 所得 尚欠 拖欠 下欠 借款 货款 欠款 工资 劳务 报酬 工程款 工程 租金 租赁 房租 本金 利息 罚息 复利 违约金 滞纳金
人民币 各项 各种 医疗费 误工费 护理费 营养费 交通费 住院 残疾 死亡 丧葬费 精神 抚慰金 鉴定费 诉讼费 案件 受理费 保全费 律师费 公告费 损失
损害 经济 一次性 价款 款项 现金 余款 剩余 抚养 抚育费 赡养 扶养 探望 探视 生活费 教育费 彩礼 嫁妆 离婚 婚姻 夫妻 享有 有权 可以 自愿 同意 承诺
确认 分期 每月 每年 按月 按照 依法 应当 应于 应在 应向 应承担 应支付 应偿还 应给付 应返还 应赔偿 向原告 向被告 向申请 向第三 向其 向本 向法院 向上
对原告 对被告 对上述 对第 对该 对本 对其 对涉案 以其 以及 将其 将位于 将坐落 将涉案 将所 将车 将房 将人民币 为被告 为原告 为本 为其 为人民币 为
由被告 由原告 由其 由第 从原告 自判决 自本 自调解 自收到 自20 自二 至今 之间 之子 之女 之妻 之夫 之父 之母 之债 的 系 是 诉 诉讼 起诉 称 辩称 提供 提起
购买 购房 购车 出售 出租 租用 承租 承包 施工 建房 建造 房屋 房款 房产 车辆 车款 材料款 材料 运费 运输 加工费 加工 定金 订金 押金 保证金 保证 担保 抵押 质押
投资款 投资 股权 股份 转让 合伙 合同 签订 达成 协议 垫付 代偿 代付 代为 追偿 借到 借取 借用 借给 欠付 欠原告 欠被告 欠货 欠工 欠款 欠申请 欠人民币
赔礼 道歉 消除 公开 排除 修复 修理 更换 修缮 迁出 迁移 户口 交出 移交 提交 立即 及时 于本 于判 于收 于每 于20 于19 于二 于调 于该 于上 于生 于协 于签 于一 于三 于五 于十 于本判决
在本 在判 在收 在20 在19 在十 在二 在三 在五 在一 在其 在各 在上 在未 在继 在遗 在保 在抵 在连 在调 在担 在欠 在借 在诉
现居 现住 住址 住所 住 身份证 公民身份 性别 出生 男 女 电话 手机 联系 微信 银行 账户 账号 帐号 帐户 卡号 开户 户名 持有 占有 使用 个人 作为 经营 担任 代理
本人 本金 二人 两人 三人 四人 等人 等 夫妇 父子 母子 父女 母女 兄弟 姐妹 合计 共计 总计 共 各自 各 一案 案外 纠纷 与原告 与被告 与第三 与申请 与其 与案外 和原告 和被告 和第三
和申请 和其 及其 及原告 及被告 及第三 及申请 领取 收取 收到 收款 取得 付清 付款 付给 还清 还款 未付 未还 未支付 未履行 未按 未偿还 不再 不服 不承担 不履行 已付 已支付 已偿还 已履行 已还
上述 该款 加班费 经济补偿 社会保险 双倍 解除 终止 劳动 保险金 保险 补偿 补偿款 征地 拆迁 安置 土地 宅基地 遗产 继承 遗赠 份额 财产 原告 被告 申请 第三人 上诉 委托 授权
死亡 受伤 致伤 打伤 殴打 驾驶 乘坐 所驾 就读 就业 现年 年龄 今年 满 患 因 就 如 若 须 需 负责 负有 缴 领 得 得到 退 返 偿 赔 垫 代 欠 归 还 清 支 付款 货 工 存款 债务 债权 转账 汇款 打款
""")
_BOUNDARY = rf"[^{HAN}{DOT}]|$"
_IN_NAME = re.compile(rf"[{HAN}{DOT}]")
_AT_FOLLOWING = _Vocabulary(_FOLLOWING)
# One character that ends a name as surely as a word does: nobody is named with it.
_HARD = frozenset("的是系诉称住等欠还须需退返偿赔垫代领缴付")
# Characters of given names that also begin a word which follows names.
_GIVEN = frozenset("清满和立承安享继平修保一可如若应金财自本归因双利运定")
# A conjunction ends a name only when another party comes after it.
_FOLLOW_JOIN = re.compile(rf"(?:和|与|及|向|对|由|给|欠|诉|将|以)(?=[{_SURNAME}])(?!和[平谐])")
_NO_NAME = _Vocabulary(
    _words("""
迟延 应支 应履 尚欠 尚未 国民 国务 花生 花木 花园 权属 满足 关闭 解决 计人 全国 能够 那么 都不 万余 钱物 常住 常用 和谐 共计 金共 金及 金等 金为 金额 金项 金戒 金手 金耳 金条 钻戒 金银 应收 应缴 应予 应按 应以 应为 方可以 那部 于次 于当 于前 于年 于月 于三 于十 于本 于六 于七 于八 于九 于四 于两 于同 于签 于到 向相 向有 向银 向社 向征 向上 向下 国库 国税 通过 通知 相对 游戏 盛装 班车 严格 充分 汽车 终止 终结 强令 连本 平方 平米 单方 单次 满期 满月 满年 满足 权限 计入 计息 和其 和利 和本 和违 和滞 和逾 和诉 和案 和费 全款 全数 都由 时须 解约 解付 能力 常规 都要 乐器 巴士 鲜货 鲜花 双倍 家电 家具 居住 居民 暴力 费用 折价 折旧 经营 续租
方式 方法 方案 方面 方可 金额 金钱 安置 安装 安全 房租 房款 房屋 房产 全部 全额 全体 车辆 车款 石材 水费 水泥 水电 毛利 高额 高于 时间 时效 时止 万元 严重 文书 文件 明细
项目 项下 项内 单位 单价 单独 钱款 成本 成员 成立 余款 余额 和解 解除 包括 包工 常年 平均 管理 管辖 路费 计算 计付 计息 应付 应当 应于 应在 应向 段 左右 相关 党费 养老 于本 于判 于收 于每 于生 于20
于一 于二 于三 于五 于十 于调 于上 于该 连带 连同 经济 经营 经审 经法 经本 经过 利息 利率 利益 公司 公告 公证 公开 公积 双方 双倍 各项 各自 各 本金 本案 本判 本人 别墅 强制 强行 索要 付款 付清 付给 付 时 时起
权利 权益 家庭 家属 国家 国有 万 千 百 都 相互 相应 所有 所欠 所借 所得 支付 支取 银行 都应 都未 查封 查明 查询 温室 白酒 钢材 水产 花费 花卉 苗木 苗款 牛羊 马匹 羊款 牛款 鱼塘 谷物 米款 粟米 麦款 油款 农业 农村 农田 农药
商铺 商品 商业 门面 门窗 空调 厂房 景观 关于 关系 关联 向原 向被 向本 向其 向法 向申 向第 向人 向上 向 对 由 从 以 因 为 将 的 在 被 与 及 至 其 该 此 上述 一 二 三 四 五 六 七 八 九 十 两 下 后 前 内 不 未 无 已 均 须 需 如 若 就 系 是 有 可
申请 第三 原告 被告 诉讼 诉请 起诉 请求 承担 偿还 归还 返还 清偿 给付 赔偿 损失 损害 借款 货款 欠款 工资 劳动 劳务 工程 合同 协议 债务 债权 违约 逾期 名下 名称 姓名 身份 住址 住所 信息 资料 证据 代理 委托 法定 户口 抚养 抚育 探望 生活 教育
医疗 死亡 受伤 伤残 残疾 住院 精神 财产 遗产 共有 共同 分割 继承 立即 依法 按照 按 同意 自愿 自行 自 履行 办理 协助 配合 交付 停止 腾 拆 搬 恢复 继续 另 又 即 仍 尚 再 且 但 则 并 或 等 之 们 本 每 年 月 日 元 款 费 息 人民币 人民 现金 现在 现有 现
""")
)
_FALLBACK_HAN = r"[^\W\d_于的在应向与和及或以对为由从自至等不未已将所其该各本此每后前内外上下一二三四五六七八九十两万元款金费息债权利责任人法院诉讼合同协议案]"
_FALLBACK = re.compile(rf"{_FALLBACK_HAN}{{2,5}}?(?={_BOUNDARY}|{_FOLLOWING})")
_SPACED = re.compile(rf"[{_SURNAME}][ \u3000]{{1,3}}[{HAN}](?:[ \u3000]{{1,3}}[{HAN}])?(?={_BOUNDARY}|{_FOLLOWING})")
_DOTTED = re.compile(rf"[{HAN}]{{1,7}}(?:\s?[{DOT}]\s?[{HAN}]{{1,7}}?)+(?={_BOUNDARY}|{_FOLLOWING})")
_DOT_INSIDE = re.compile(rf"[{HAN}]\s?[{DOT}]\s?[{HAN}]")
_LATIN = re.compile(r"[A-Z][A-Za-z'\-]+(?:[ .·]{1,2}[A-Z][A-Za-z'\-]*)*(?![A-Za-z0-9])")

# 支付, 偿还, 赔偿, 拖欠, 借到, 汇入 and other words that a name may follow, by their last character.
_LOOSE = re.compile(
    rf"(?:(?<![{HAN}])(?:(?<=\0[、和与及])|(?![向于应尚和时由付对]))|(?<=[付还给赔偿回欠到转汇入向由与和及对为被将诉从替同叫找跟以])"
    rf"(?!(?<=[支交偿给应未已])付|(?<=偿)金)){_SURNAME_OR_COMPOUND}"
)


_AND_OTHERS = re.compile(r"等\s?[\d\0一二三四五六七八九十百两几]{0,5}\s?(?:名|位)?[人户]")


def find_people(text: str) -> Iterator[Named]:
    """Names of people in `text` (folded, with blanks where something is decided), by their role or by a dot inside."""
    for role in _ROLE.finditer(text):
        yield from _listed_after(text, role.end())
    for match in _DOTTED.finditer(text) if _DOT_INSIDE.search(text) else ():
        start = match.start() + _cut(match[0].split(match[0][_first_dot(match[0])])[0])
        yield Named("person_name", start, match.end(), "high")


def suspect_people(text: str) -> Iterator[Named]:
    """What reads like a name though nothing says that it is one: a surname after a verb, and a word after the name."""
    for match in _LOOSE.finditer(text):
        listed = list(_listed_from(text, match.start()))
        if listed and _is_followed(text, listed[-1].end):
            yield from listed


def _listed_from(text: str, position: int) -> Iterator[Named]:
    found = _surnamed(text, position)
    while found and found.confidence == "high":
        yield Named("person_name", found.start, found.end, "low")
        join = _JOIN.match(text, found.end)
        found = _surnamed(text, join.end()) if join else None


def _is_followed(text: str, position: int) -> bool:
    """Whether a figure, the debtor, 等N人, or a word of two characters or more comes next."""
    if text.startswith(("\0", "\1"), position) or _AND_OTHERS.match(text, position):
        return True
    return len(_AT_FOLLOWING.find_at(text, position)) > 1


def _first_dot(name: str) -> int:
    return min(index for index, c in enumerate(name) if c in DOT)


def _listed_after(text: str, position: int) -> Iterator[Named]:
    """The name at `position`, and those joined to it by 、 or 和."""
    found = _named_at(text, position)
    while found:
        yield found
        join = _JOIN.match(text, found.end)
        if join is None:
            return
        found = _surnamed(text, join.end()) or _written_apart(text, join.end())
        if found is None and "、" in join[0]:
            found = _unsurnamed(text, join.end())


def _named_at(text: str, position: int) -> Named | None:
    return _written_apart(text, position) or _surnamed(text, position) or _unsurnamed(text, position)


def _written_apart(text: str, position: int) -> Named | None:
    for pattern in (_DOTTED, _LATIN, _SPACED):
        match = pattern.match(text, position)
        if match and not _begins_word(text, position):
            return Named("person_name", match.start(), match.end(), "high")
    return None


def _surnamed(text: str, position: int) -> Named | None:
    """A surname and one or two characters: as many as leave a word that follows names."""
    surname = 2 if text[position : position + 2] in COMPOUND_SURNAMES else 1
    if (surname == 1 and text[position : position + 1] not in SURNAMES) or _begins_word(text, position):
        return None
    if len(_AT_FOLLOWING.find_at(text, position + surname)) > 1:
        return None
    ends = [e for e in (position + surname + 1, position + surname + 2) if _is_han(text[position:e], e - position)]
    if not ends:
        return None
    end = _likelier_end(text, ends)
    if _strength(text, end):
        return Named("person_name", position, end, "high")
    if surname == 1 and text[position] not in COMMON_SURNAMES:
        return None
    repeated = next((e for e in reversed(ends) if text.count(text[position:e]) > 1), ends[-1])
    return Named("person_name", position, repeated, "low")


def _begins_word(text: str, position: int) -> bool:
    word = _NO_NAME.find_at(text, position)
    return len(word) > 1 or (len(word) == 1 and word not in SURNAMES)


def _likelier_end(text: str, ends: list[int]) -> int:
    if len(ends) == 1:
        return ends[0]
    short, long = (_strength(text, end) for end in ends)
    if short == long and short < 3:
        return ends[1] if short == 0 or text[ends[0]] in _GIVEN else ends[0]
    return ends[0] if short > long else ends[1]


def _strength(text: str, position: int) -> int:
    """How surely a name ends at `position`: 4 等N人, 3 punctuation or the like, 2 a word, 1 a doubtful character, 0 not."""
    if _AND_OTHERS.match(text, position):
        return 4
    if position >= len(text) or not _IN_NAME.match(text, position):
        return 3
    if _FOLLOW_JOIN.match(text, position):
        return 2
    word = _AT_FOLLOWING.find_at(text, position)
    if not word:
        return 0
    return 2 if len(word) > 1 or word in _HARD else 1


def _unsurnamed(text: str, position: int) -> Named | None:
    if _NO_NAME.find_at(text, position) or _strength(text, position):
        return None
    match = _FALLBACK.match(text, position)
    return Named("person_name", position, match.end(), "low") if match else None


_HAN_RUN = re.compile(rf"[{HAN}]+")


def _is_han(text: str, length: int) -> bool:
    return len(text) == length and bool(_HAN_RUN.fullmatch(text)) and "某" not in text


# Organisations ----------------------------------------------------------------------------------------------------

_STRONG_KIND = _words("""
有限责任公司 股份有限公司 集团有限公司 有限公司 集团公司 分公司 子公司 公司 专业合作社 合作社 信用合作联社 农村信用社 信用社 农村商业银行 村镇银行 支行 分行 营业部
分理处 经营部 商行 合伙企业 工作室 律师事务所 事务所 村民委员会 村委会 居民委员会 居委会 村民小组 养殖场 加工厂 制品厂 门市部 项目部 批发部 服务部 农场 林场
""")
_WEAK_KIND = _words("""
厂 超市 酒店 宾馆 饭店 医院 卫生院 学校 幼儿园 小学 中学 学院 大学 店 中心 银行 局 政府 办事处 商场 会所 酒楼 网吧 诊所 药店 药房 基金会 协会 商会 研究院 研究所 集团 管委会 委员会 加油站 服务站 砖厂 建筑队
""")
_ORG_CHARACTER = rf"(?:(?!某)[{HAN}A-Za-z0-9&（）()·])"
_BRANCH = rf"(?:股份有限公司|有限责任公司)?(?:[(（](?:普通合伙|有限合伙|特殊普通合伙)[)）])?(?:(?!某)[{HAN}]{{2,12}}?(?:分公司|支行|分行|营业部|分理处|项目部))?"
_ORG_RUN = re.compile(rf"{_ORG_CHARACTER}+")
_KIND = re.compile(rf"(?:{_STRONG_KIND}){_BRANCH}")
_LONGEST_ORG = 40
_ORG_IN_ROLE = re.compile(
    rf"(?:{_ROLES})[\s:：]{{0,2}}(?P<x>(?:(?!某)[{HAN}]){{2,24}}?(?:{_WEAK_KIND}))(?={_BOUNDARY}|{_FOLLOWING})"
)
# What a firm's name may continue with after its distinguishing word: no word before it is cut off.
_TRADE = _words("""
有限 股份 集团 公司 商贸 贸易 商业 建筑 建设 建材 工程 房地产 地产 置业 物流 运输 农业 农牧 农村 实业 科技 技术 投资 电子 电器 电力 机械 食品 医药 药业 餐饮 酒店 旅游 文化 传媒 广告 装饰 装修
家具 家居 服装 纺织 化工 能源 矿业 汽车 汽贸 汽修 教育 培训 咨询 管理 服务 劳务 物业 环保 园林 种植 养殖 畜牧 林业 信息 网络 通信 印刷 包装 金属 钢铁 材料 石材 木业 塑业 金融 信用 融资 担保 小额 典当 保险 租赁 专业 超市 商行
""")
_ORG_CUT = re.compile(
    rf"""(?:{_ROLES})(?:[(（][^()（）]{{1,12}}[)）])?|支付给|支付|偿还|归还|返还|退还|给付|赔偿|交付|清偿|拖欠|尚欠|承担|借给|转给|汇给|付给|还给|汇入|转入|开户银行|开户行
    |任职于|入职|就职于|位于|坐落于?|担任|挂靠|以下简称|下称|简称|、|^[(（\d)）]+
    |(?<![省市县区州旗])(?:系|诉|欠|给|由|被|的|是|与|及|对|让|从|即|因|将(?!军)|向(?![阳上荣前日])|于(?![洪都田])|在(?!线)
    |和(?![平谐顺美睦信众润泰兴合盛丰田义天成]))(?!{_TRADE})""",
    re.VERBOSE,
)
_GENERIC = re.compile(
    r"""(?:该|本|其|某|贵|我|各|分|子|总|母|目标|标的|涉案|上述|保险|被保险|有限|有限责任|股份有限|商业|担保|物业|建筑|开发商?|施工|用人|劳务|集团|两|双方|两家|项目|村|银行|金融|信贷|小额贷款|小贷
    |评估|拍卖|鉴定|中介|第三方|任何|所在|其他|其它|关联|会计|会计师|律师|所属|当地|相关)*(?:公司|有限公司|银行|支行|分行|事务所|律师事务所|会计师事务所|合作社|村委会|村民委员会|居委会|营业部|信用社|分公司|子公司|项目部|集团)""",
    re.VERBOSE,
)
_ROLE_BEFORE = re.compile(rf"(?:{_ROLES})[\s:：]{{0,2}}$")
_PUBLIC_BODY = re.compile(r"中国人民银行|同业拆借中心|人民银行|公安局$|不动产登记中心$|税务局$|社会保险")


def find_organisations(text: str) -> Iterator[Named]:
    """Organisations named in `text`: any with a company's or association's ending, others only in a party's role."""
    earlier = 0
    for match in _KIND.finditer(text):
        before = text[max(earlier, match.start() - _LONGEST_ORG) : match.start()]
        run = _ORG_RUN.match(before[::-1])
        earlier = match.end()
        if run:
            start = match.start() - run.end()
            yield from _organisation(text, start + _cut(text[start : match.end()]), match.end())
    for match in _ORG_IN_ROLE.finditer(text):
        start, end = match.span("x")
        yield from _organisation(text, start, end)


def _organisation(text: str, start: int, end: int) -> Iterator[Named]:
    name = text[start:end]
    if len(name) < 3 or _GENERIC.fullmatch(name) or _PUBLIC_BODY.search(name):
        return
    in_role = bool(_ROLE_BEFORE.search(text[max(0, start - 12) : start]))
    yield Named("organisation_name", start, end, "high" if in_role or len(name) >= 8 else "low")


def _cut(text: str) -> int:
    """Where the name begins: after the last word that cannot be part of it."""
    return max((m.end() for m in _ORG_CUT.finditer(text) if m.end() < len(text) - 1), default=0)


# Addresses --------------------------------------------------------------------------------------------------------

_AREA = rf"[{HAN}]"
_SETTLEMENT = rf"{_AREA}{{1,8}}?(?:街道办事处|街道办|街道|镇|乡|苏木|嘎查|行政村|自然村|村|社区|屯|寨|农场)"
_ROAD = rf"{_AREA}{{1,10}}?(?:大道|大街|路|街|巷|弄|胡同|国道|省道)(?:[东西南北中]段|[东西南北]侧|[东西南北])?"
_ESTATE = rf"[{HAN}A-Za-z0-9]{{2,12}}?(?:小区|花园|家园|花苑|新村|公寓|大厦|家属院|嘉园|名苑|雅苑|华庭|豪庭|安置区|新城|广场|商城|市场)"
_HOUSE = (
    r"(?:附|第)?(?:[A-Za-z]?\d{1,5}|[一二三四五六七八九十百零]{1,5}|[甲乙丙丁东西南北])(?:[\-—]\d{1,4})*\s?"
    r"(?:号院|号楼|号房|号|栋|幢|座|单元|楼|层|室|组|队|社|户|弄|铺|村民组|村民小组)(?:附\d{1,3}号)?"
)
_PLACE = rf"(?:{_SETTLEMENT}|{_ROAD}|{_ESTATE})"
_VILLAGE = rf"(?:(?![的在于向由与和及将对等支付偿还归])[{HAN}]){{1,5}}?(?:村|社区|屯|寨)(?![民委])"
_TAIL = rf"(?:[\s,，]?(?:{_HOUSE}|{_VILLAGE}|{_PLACE}(?={_HOUSE}|{_PLACE}))|\d{{1,4}}(?:-\d{{1,4}}){{1,3}}(?:号|室)?)*"
_PLACE_END = re.compile(
    r"(?:街道办事处|街道办|街道|镇|乡|苏木|嘎查|村|社区|屯|寨|农场|大道|街|路|巷|弄|胡同|国道|省道|段|侧|小区|花园|家园|花苑"
    rf"|公寓|大厦|家属院|嘉园|名苑|雅苑|华庭|豪庭|安置区|新城|广场|商城|市场)(?:[东西南北])?{_HOUSE}{_TAIL}"
)
_PLACE_RUN = re.compile(rf"[{HAN}]{{1,10}}")
_ADDRESS_AT = r"住址|住所地|住所|地址|户籍所在地|户籍地|户籍|现住|家住|居住于|居住在|住在|住于|住|位于|坐落于|坐落在|坐落|座落于|座落在|座落|地处|收件地"
_REGION = rf"(?:{_AREA}{{2,8}}?(?:省|自治区|自治州|地区|市|州|盟|县|区|旗))"
_ADDRESSES = (
    re.compile(rf"(?:{_ADDRESS_AT})\s*[:：为是在于]?\s*{_REGION}{{0,4}}(?P<x>(?:{_PLACE}|{_HOUSE}(?={_HOUSE})){_TAIL})"),
    re.compile(rf"(?<=[省市州盟县区旗])(?P<x>{_PLACE}{_TAIL})"),
    re.compile(rf"(?P<x>{_AREA}{{1,5}}?[镇乡]{_AREA}{{1,6}}?(?:村|社区|街){_TAIL})"),
    re.compile(rf"(?P<x>{_HOUSE}(?:{_HOUSE})+)"),
)  # fmt: skip
# The pattern that cannot match without the number of a house.
_HOUSED = 3
_HAS_HOUSE = re.compile(
    r"[\dA-Za-z一二三四五六七八九十甲乙丙丁东西南北]\s?(?:号|栋|幢|座|单元|楼|层|室|组|队|社|户|弄|铺|村民)"
)
_ADDRESS_CUT = re.compile(
    rf"""{_ADDRESS_AT}|(?:{_ROLES})|[省市州盟县旗](?!场)|(?<![小园矿库社])区|支付|偿还|返还|归还|交付|腾退|将(?!军)|被(?!告)|的|在|与(?!路)|及|和(?!平|谐|顺|睦|兴|美)|由|至|从|于(?!庄|家|洪)|向(?!阳|前)|对|所有|名下|其"""
)
_NO_PLACE = re.compile(
    r"""(?:该|本|此|各|同|全|外|某|农|乡|集|城|小|新|上述|原告|被告|涉案|一条|沿|住宅|所在|\d+米)*(?:道路|公路|铁路|线路|网络|电路|管路|水路|思路|出路|套路|半路|马路|村|镇|乡|街|路|小区
    |乡镇|城镇|集镇|农村|乡村|街道|社区|广场|市场|商城|大厦|公寓|楼)|.*(?:线路|电路|管路|网络|思路|铁路|公路|道路|生路|销路|贷款市场|股票市场|建材市场|农贸市场)""",
    re.VERBOSE,
)
_WHOLE_CLAUSE = re.compile(r"第[一二三四五六七八九十\d]+(?:项|条|款|号|期|组)")


def find_addresses(text: str) -> Iterator[Named]:
    """Addresses below the county or district (法释〔2016〕19号 art. 10, 11); the county itself stays."""
    for index, pattern in enumerate(_ADDRESSES):
        if index == _HOUSED and not _HAS_HOUSE.search(text):
            continue
        for match in pattern.finditer(text):
            yield from _address(text, *match.span("x"), keyword=index == 0)

    for match in _PLACE_END.finditer(text) if _HAS_HOUSE.search(text) else ():
        run = _PLACE_RUN.match(text[max(0, match.start() - 10) : match.start()][::-1])
        if run:
            yield from _address(text, match.start() - run.end(), match.end(), keyword=False)


def _address(text: str, start: int, end: int, *, keyword: bool) -> Iterator[Named]:
    head = re.split(r"[\d]", text[start:end], maxsplit=1)[0]
    start += max((m.end() for m in _ADDRESS_CUT.finditer(head) if m.end() < len(head)), default=0)
    place = text[start:end]
    if len(place) < 2 or _NO_PLACE.fullmatch(place) or _WHOLE_CLAUSE.match(place) or text[end : end + 1] == "\0":
        return
    yield Named("address", start, end, "high" if keyword or any(c.isdigit() for c in place) else "low")
