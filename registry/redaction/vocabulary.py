"""What every part of the detector knows: letters, roles, the words that follow a name, and a span that was found. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from registry.surnames import COMPOUND_SURNAMES, SURNAMES

Confidence = Literal["high", "low"]

HAN = r"㐀-鿿豈-﫿\U00020000-\U0003ffff〇"
DOT = "·•・‧∙⋅●."
SURNAME = "".join(sorted(SURNAMES))
SURNAME_OR_COMPOUND = rf"(?:[{SURNAME}]|{'|'.join(sorted(COMPOUND_SURNAMES))})"


@dataclass(frozen=True, slots=True)
class Named:
    """A span that names somebody or some place."""

    rule: str
    start: int
    end: int
    confidence: Confidence


def words(text: str) -> str:
    """A pattern of any of the words in `text`, the longest first."""
    return "|".join(sorted(set(text.split()), key=len, reverse=True))


class Vocabulary:
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


ROLES = words("""
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
ROLE = re.compile(rf"(?:{ROLES})(?![民数身们])(?:\s?[(（][^()（）]{{1,12}}[)）])?[\s:：]{{0,3}}")
# What commonly follows a name. One-character words need more to be sure: they also occur inside names.
FOLLOWING = words("""
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
BOUNDARY = rf"[^{HAN}{DOT}]|$"
