"""Which organisations a text names: companies, banks, cooperatives, committees, authorities in a role. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.vocabulary import BOUNDARY, FOLLOWING, HAN, ROLES, Named, words

_STRONG_KIND = words("""
有限责任公司 股份有限公司 集团有限公司 有限公司 集团公司 分公司 子公司 公司 专业合作社 合作社 信用合作联社 农村信用社 信用社 农村商业银行 村镇银行 支行 分行 营业部
分理处 经营部 商行 合伙企业 工作室 律师事务所 事务所 村民委员会 村委会 居民委员会 居委会 村民小组 养殖场 加工厂 制品厂 门市部 项目部 批发部 服务部 农场 林场
""")
_WEAK_KIND = words("""
厂 超市 酒店 宾馆 饭店 医院 卫生院 学校 幼儿园 小学 中学 学院 大学 店 中心 银行 局 政府 办事处 商场 会所 酒楼 网吧 诊所 药店 药房 基金会 协会 商会 研究院 研究所 集团 管委会 委员会 加油站 服务站 砖厂 建筑队
""")
_ORG_CHARACTER = rf"(?:(?!某)[{HAN}A-Za-z0-9&（）()·])"
_BRANCH = rf"(?:股份有限公司|有限责任公司)?(?:[(（](?:普通合伙|有限合伙|特殊普通合伙)[)）])?(?:(?!某)[{HAN}]{{2,12}}?(?:分公司|支行|分行|营业部|分理处|项目部))?"
_ORG_RUN = re.compile(rf"{_ORG_CHARACTER}+")
_KIND = re.compile(rf"(?:{_STRONG_KIND}){_BRANCH}")
_LONGEST_ORG = 40
_ORG_IN_ROLE = re.compile(
    rf"(?:{ROLES})[\s:：]{{0,2}}(?P<x>(?:(?!某)[{HAN}]){{2,24}}?(?:{_WEAK_KIND}))(?={BOUNDARY}|{FOLLOWING})"
)
# What a firm's name may continue with after its distinguishing word: no word before it is cut off.
_TRADE = words("""
有限 股份 集团 公司 商贸 贸易 商业 建筑 建设 建材 工程 房地产 地产 置业 物流 运输 农业 农牧 农村 实业 科技 技术 投资 电子 电器 电力 机械 食品 医药 药业 餐饮 酒店 旅游 文化 传媒 广告 装饰 装修
家具 家居 服装 纺织 化工 能源 矿业 汽车 汽贸 汽修 教育 培训 咨询 管理 服务 劳务 物业 环保 园林 种植 养殖 畜牧 林业 信息 网络 通信 印刷 包装 金属 钢铁 材料 石材 木业 塑业 金融 信用 融资 担保 小额 典当 保险 租赁 专业 超市 商行
""")
_ORG_CUT = re.compile(
    rf"""(?:{ROLES})(?:[(（][^()（）]{{1,12}}[)）])?|支付给|支付|偿还|归还|返还|退还|给付|赔偿|交付|清偿|拖欠|尚欠|承担|借给|转给|汇给|付给|还给|汇入|转入|开户银行|开户行
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
_ROLE_BEFORE = re.compile(rf"(?:{ROLES})[\s:：]{{0,2}}$")
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
            yield from _organisation(text, start + find_start(text[start : match.end()]), match.end())
    for match in _ORG_IN_ROLE.finditer(text):
        start, end = match.span("x")
        yield from _organisation(text, start, end)


def _organisation(text: str, start: int, end: int) -> Iterator[Named]:
    name = text[start:end]
    if len(name) < 3 or _GENERIC.fullmatch(name) or _PUBLIC_BODY.search(name):
        return
    in_role = bool(_ROLE_BEFORE.search(text[max(0, start - 12) : start]))
    yield Named("organisation_name", start, end, "high" if in_role or len(name) >= 8 else "low")


def find_start(text: str) -> int:
    """Where the name begins: after the last word that cannot be part of it."""
    return max((m.end() for m in _ORG_CUT.finditer(text) if m.end() < len(text) - 1), default=0)
