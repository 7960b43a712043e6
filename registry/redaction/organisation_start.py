"""Where the name of an organisation begins: after the last word that no such name holds. Pure."""

from __future__ import annotations

import re

from registry.redaction.layout import find_open_bracket
from registry.redaction.organisation_words import BRANDED, SURE_KINDS, TRADES, VERBS
from registry.redaction.regions import find_first_region, skip_county, skip_listed, skip_regions
from registry.redaction.vocabulary import HAN, ROLES, words

_TRADE = words(" ".join(TRADES))
# Verbs and roles with which a name goes on: 资产经营管理公司, 出租汽车公司, 职工医院, 兄弟建材.
_IN_NAMES = rf"""(?:经营(?=管理|部|公司|有限|发展|开发|投资|服务|集团|中心|处|站|店|户)|出租(?=汽车|车)|支付(?=科技|技术|服务|有限|网络|股份|清算|信息)|继续(?=教育)|自行(?=车)|优先(?=股份)|先行(?=者|科技)
    |未成年人(?=保护|救助|关爱|心理|法律)|船东(?=合作社|协会|互保|公司)|职工(?=医院|大学|学校|培训|文化|活动|技协|之家|合作|食堂|服务|消费)|学生(?=用品|公寓|之家|餐|服装|装|资助|营养)|医生(?=集团|之家|诊所)|共同(?=富裕|致富|种植|养殖)|代办(?=处|所|点|站)|配合(?=饲料|料)|票据(?=中心|服务|印)
    |保险公司(?=[{HAN}]{{2,12}}?(?:公司|营业部|服务部))|司机(?=之家|俱乐部)|员工(?=之家)|住院(?=部)|客户(?=服务|中心)|会员(?=店|俱乐部)|业主(?=委员会)|收购(?=站|点|部)|恢复(?=治疗)|清理(?=中心)|清运(?=公司|有限|队|服务)|消费者(?=协会|委员会)
    |转让(?=中心)|凭(?=祥)|就(?=业)|通知(?=书)|赊(?=店)|停放(?=中心)|影响(?=力)|债权人(?=委员会)|委托(?=代办|代建)|经理(?=学院)|会计(?=师|服务|代理|咨询|学校)|股东(?=会)|(?:兄弟|姐妹|战友|朋友|同学|老乡|外婆|奶奶|爷爷|爸爸|妈妈|孩子|姐夫|老板|师傅)(?=家|王|{_TRADE}|饭店|餐厅|菜馆|面馆|小厨|厨房|超市|商店|烧烤|火锅|便利店)|村民(?=委员|小?组)|居民(?=委员|小组))"""
_CUT = re.compile(
    rf"""(?!{_IN_NAMES})(?:(?:{ROLES})(?![民数身们师]|委员|小组|组|代表|大会|培训|学校|文化|医院|进修|活动|之家|公寓|服务|维权|创业)(?:[(][^()]{{1,12}}[)])?|{words(VERBS)})|、|^[(\d)]+(?![A-Za-z])|\d+(?:号|室|楼|层|栋|幢|单元)(?:楼|房)?
    |(?=[系诉欠给予由被的归是与及对让因把到且或须需已另此])(?:系|诉|欠|给|由(?!之)|被|的|归(?![元来真心园德仁一农])|是|与(?!时|众|你)|及(?!时)|对|让|因|把(?!关)|到|予|且|或|须|需|已|另|此)
    |(?=[从即将至向于在经以为并应可均再先自约共等和其该无])(?:无(?![锡为极忧限])|其(?!乐)|该|从(?!化|江)|即(?!墨)|将(?!军|乐|台)|至(?!诚|尊|善|臻|信|和|爱|美|正)
    |向(?!阳|荣|前进|日葵|上(?![海诉述级]))|于(?![洪都田庄家集])|在(?!线|水|田)|经(?!济|贸|开|纬|典|营|络|销|发|纪|合社|联社)|以(?![诺利琳勒])|为(?!民|康|尔|先)|并(?!购)|应(?!城|县|天|急|链|用|昌|力)|可(?!心|可|口|靠|丽|乐|馨|意|人)|均|再(?!生)|先(?!锋|行者|达|知|导|科)|自(?!然|贡|强|由|动|来水|贸|在|立|治|来)|约|共(?!青|享|赢|和|创|好|建|荣|富|同富|同致)|等(?!级)
    |和(?<![呼太中人永饱仁平温宽安景天泰祥义信顺福共大协谐]和)(?!社会保障|旅游|体育|信息化|改革|卫生|城乡|草原|规划|计划|运动|退役|科技)(?![平谐顺美睦信众润泰兴合盛丰田义天成园苑硕静煦雅悦瑞县林龙布]))(?!{_TRADE}|[(])
    |会计(?!师)|(?<![会统审设估])计(?![算量划时生])|通知(?!书)|住(?![院宅房建])|中介(?!所|服务|有限|部|公司|机构|中心|行|店|咨询|代理|$)""",
    re.VERBOSE,
)
_CONJUNCTIONS = frozenset({"和", "与", "及"})
# What may stand before the region in a name: 中国建设银行某市分行, 国网某省电力公司.
_BEFORE_REGION = re.compile(
    rf"(?:.*(?:{words(' '.join(BRANDED))}|{words(' '.join(SURE_KINDS | TRADES))})|[A-Za-z0-9&]+|[“\"].*)[()]*$"
)
_BRAND = re.compile(rf"{words(' '.join(BRANDED))}(?=[{HAN}(])")


def find_start(text: str) -> int:
    """Where the name begins: after the last word that cannot be part of it, or an open bracket."""
    start = 0
    for cut in _CUT.finditer(text):
        if cut.end() < len(text) - 1 and (cut[0] not in _CONJUNCTIONS or joins(text[start : cut.start()])):
            start = cut.end()
    start = max(start, find_open_bracket(text))
    return start + _skip_before_region(text[start:])


def has_cut(text: str) -> bool:
    """Whether a name that goes on over `text` would be cut in it."""
    return any(m.end() < len(text) for m in _CUT.finditer(text))


def joins(before: str) -> bool:
    """Whether somebody or something is named before a conjunction; 和 after a bare region or one letter is in a name."""
    region = skip_regions(before)
    if region:
        region = skip_county(before, region)
    return len(before) - region >= 2


def _skip_before_region(name: str) -> int:
    """What stands before the region or 中国 with which a name begins, unless names do begin so."""
    region = find_first_region(name)
    if region > 0 and len(name) - region > 4 and skip_listed(name) < region and not _BEFORE_REGION.match(name[:region]):
        return region
    brand = _BRAND.search(name)
    if brand and brand.start() > 0 and not skip_regions(name) and not _BEFORE_REGION.match(name[: brand.start()]):
        return brand.start()
    return 0
