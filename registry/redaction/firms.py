"""Organisations without a word of their kind: a firm by its word and trade, a school by its number, a village's group. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.court_words import ORDINARY
from registry.redaction.organisation_start import find_start
from registry.redaction.organisation_words import GENERAL
from registry.redaction.regions import find_regions
from registry.redaction.vocabulary import BOUNDARY, FOLLOWING, HAN, ROLE_WORDS, ROLES, split_words, words

Place = tuple[int, int]

_GENERAL = re.compile(rf"(?:{words(GENERAL)}|\d+|[()])*")
# Trades that are hardly ever bought or paid for under this name.
_FIRM_TRADES = """
建材 商贸 贸易 工贸 经贸 置业 地产 房地产 不动产 物流 货运 食品 科技 生物科技 网络科技 信息科技 实业 纺织 化工 盐化 装饰 装潢 劳务 粮油 酒业 茶业 餐饮 药业 传媒 印务 服饰 家居 家纺 电子 机械 建筑 建工 建设 建安 路桥 园林 物业 小贷 医疗器械 花卉 煤业 矿业 农业 农牧 牧业 种业 米业
面业 木业 石业 门业 铝业 铜业 钢构 塑业 纸业 板业 瓷业 砼业 管业 泵业 肥业 果业 粉业 糖业 盐业 油脂 轧钢 钢铁 电器 电气 能源 新能源 光伏 汽贸 汽修 汽配 汽运 冷链 消金 消费金融 动漫 古建 寄养 港务 港务发展 蜂业 蚕业 菌业 竹业 烟业 布业 皮业 灯业 锁业 胶业 漆业 砖业 印业 粮业 薯业 枣业 椒业 参业 花业 草业 菜业 蛋业 车业 集团 控股 资本 资产 环保 文旅 影视 影业 广告 网络 通讯 通信 制药 生物 重工 轻工 五金 电商 供应链 供应链管理 装饰工程 建筑工程 建筑劳务 餐饮管理 酒店管理 企业管理 商业管理 资产管理 投资管理 物业管理 物业服务 汽车销售 汽车服务 汽车租赁
农业发展 文化传媒 文化传播 房地产开发 机械制造 融资租赁 融资担保 小额贷款 财险 寿险 乳业 肉业 禽业 渔业 水产 畜牧 养殖 饲料 种苗 苗木 林业 果蔬 防水 保温 幕墙 门窗 钢材 石材 木材 水泥 商砼 混凝土 电梯 消防 安防 家政 保洁 保安 航运 船务 船业 海运 快运 速递 快递 运输 租赁 设备租赁 机械租赁 医药 口腔 医美 美业 教育 培训 旅游 旅行 酒店 宾馆 酒楼 娱乐 健身 体育 游船 会展 策划 咨询 软件 数码 智能 家电 家具 灯饰 卫浴 陶瓷 玻璃 服装 制衣 鞋业 皮具 印刷 包装 彩印 饮品 面粉 茶叶 音响 摩配 电动车 调料 干货 副食 烟酒 百货 配送 机电 暖通 水暖 五金机电 砂锅 火锅 烧烤 烤鱼 烤鸭 炸鸡 汉堡 披萨 卤味 烩面 拉面 面馆 米线 米粉 螺蛳粉 麻辣烫 冒菜 串串 小龙虾 水饺 包子 馄饨 凉皮 胡辣汤 羊汤 羊肉汤 牛肉汤 牛肉面 小吃 快餐 早餐 奶茶 咖啡 甜品 烘焙 蛋糕 糕点 零食 炒货 生鲜 超市 便利 药房
英语 美术 音乐 舞蹈 钢琴 吉他 书法 国学 口才 编程 围棋 跆拳道 武术 游泳 瑜伽 托育 早教 月子 婚庆 摄影 造型 美甲 美发 美容 理发 足道 足浴 按摩 洗车 快修 养车 二手车 租车 搬家 开锁 洗衣 干洗 窗帘 布艺 软装 木门 橱柜 衣柜 地板 瓷砖 涂料 管业 太阳能 净水 空调 制冷 监控 弱电 办公 文具 图文 复印 喷绘 招牌 礼品 鲜花 花艺 宠物 渔具 户外 球馆 电竞 网吧 民宿 客栈 农庄 直播 电子商务 跨境电商 传播 动漫 游戏
"""
_TRADE = rf"(?:{words(_FIRM_TRADES)})"
# What a firm does or has done to it, behind its name.
_AFTER = (
    rf"(?={FOLLOWING}|会计|法定代表人|法人|员工|经理|老板|负责|经办|代付|代偿|先垫|各半|先行|另行|凭|开具|提供|供货|施工|安装|完成|收回|收取|扣留|留存|验收"
    r"|处置|处理|清运|回收|[对的由在向与和及应可将为因以按未不已承代负主称诉又均处就同赔支缴收垫享有给欠补退返送另仍须需付])"
)
_FIRM = re.compile(
    rf"{_TRADE}(?:{_AFTER}|(?={BOUNDARY}|[、｜|/])|(?<=建材|饲料|石材|钢材|木材|水泥)(?=[{HAN}]{{2}})(?!款|费|钱|价|金)|(?=[{HAN}]{{1,4}}(?:费|款|金|损失|货|钱)))"
)
_X = rf"(?P<x>[{HAN}]{{2,6}})$"
_FIRM_BEFORE = re.compile(
    rf"(?:(?P<open>^|[^{HAN}A-Za-z0-9·、])|向|由|欠|与|和|对|及|给|予|归|凭|找|经|付|还|缴|汇|走|付清|结清|支付|偿还|返还|归还|赔偿|退还|给付|付给|还给|退给|汇给|转给|交给|拖欠|尚欠|{ROLES}|(?:{ROLES})、|驳回|(?:企业|公司|单位|股东|名称|户名|方)为|挂靠|中介|交|从|予以|发包给|转包给|分包给){_X}"
)
_BEHIND_PARTY = re.compile(rf"(?:{ROLES}|挂靠|物业方|承租方|出租方|平台方|品牌方|所在企业为)[:：/]?$")
_NOT_OWN = re.compile(r"[的未已应须]")
_TO_OR_FROM = frozenset("由向欠与和给归从交付还退")
# A firm's word where somebody is paid, goods where a sentence begins.
_GOODS = split_words(
    "衣柜 橱柜 木门 地板 瓷砖 涂料 窗帘 家具 家电 灯饰 玻璃 服装 饮品 面粉 茶叶 钢材 木材 石材 水泥 饲料 建材 五金 水产 苗木 种苗 果蔬 调料 干货 副食 烟酒 百货 空调 电梯 门窗 文具 礼品 鲜花 蛋糕 咖啡 奶茶 贸易 劳务 运输 租赁 培训 教育 旅游 施工 防水 保温 消防 家政 保洁"
)
# No branch of the economy is called so, only who is in it.
_INDUSTRIES = split_words(
    "酒业 茶业 药业 米业 面业 木业 石业 门业 铝业 铜业 纸业 板业 瓷业 砼业 管业 泵业 肥业 果业 粉业 糖业 盐业 车业 船业 乳业 肉业 禽业 鞋业 置业 种业 蜂业 菌业 竹业 锁业 胶业 漆业 粮业 薯业 枣业 椒业"
)
_ANY_BEFORE = re.compile(rf"(?<![{HAN}A-Za-z0-9]){_X}")
# 老三调料 after a firm and a comma is one more of them.
_NEXT_FIRM = re.compile(rf"(?P<joint>[、和与及]){_X}")
# 张记砂锅, 老胡家胡辣汤, 李氏正骨: whose shop it is, and what it sells.
_FAMILY_SHOP = re.compile(
    rf"(?:[{HAN}]{{1,2}}记|老[{HAN}]{{1,2}}家|(?<![姓某])[{HAN}]氏){_TRADE}(?:\([{HAN}]{{2,8}}店\)|(?:店|馆|铺|坊|行)(?![主面员]))?"
)
_SUBJECT = re.compile(
    r"客服|售后|经营者|原招牌|名下|支付|给付|偿还|返还|归还|赔偿|退还|应|须|需|向|由|对|与|在|于|将|收|退|赔|承担|欠|给|拖欠|享有|负责|先|不|未|已|自|经办|开具|提供|另|补|仍|同意|自愿|协助"
)

# 漯河三中, 市二院, 宣威一高.
_NUMBERED = re.compile(
    r"[一二三四五六七八九十](?:中|高|小|院|附院|附小|附中|初|幼|职高|实小|医院|建|处)"
    rf"(?={BOUNDARY}|{FOLLOWING}|学生|就读|老师|教师|课间|操场|校|[的对由在向与和及应可将为因以按未不已承代负主称诉又均处就同赔支缴])"
)
_BEFORE_NUMBER = re.compile(rf"[{HAN}]{{1,4}}(?<![第其])$")

_PARTY = re.compile(
    rf"(?:付给|支付给?|还给|退给|交给|偿还|返还|归还|退还|退赔|赔偿|给付|拖欠|尚欠|欠|由|向|与|从|[元款]给|驳回|{ROLES})[\s:：]?$"
)
_ROADED = re.compile(r"街道|[路巷号]")
_REGIONAL = re.compile(
    rf"(?:(?![的将把在从由向与及其该归已未至到所应须需可按给付欠退还赔]|\d|支付|房屋|房产|土地|不动产|境内|范围|人民|法院|仲裁|公证)[{HAN}]){{4,16}}?(?=的|，|。|；|、|[(（]|{FOLLOWING}|[应须需可已未均承先赔支付])"
)

# 石龙五队, 大寨组, 七组: a village or a part of it, where somebody stands who owns, pays or is paid.
_H = rf"(?:(?![的将把在从未已应须需可按经为其被并且或由向与归给交欠和及还退付])[{HAN}])"
_PARTY_BEFORE = rf"向|由|欠|与|归|给|还给|交给|退给|付给|租给|包给|发包给|返还|交还|归还|退还|支付|应付|{ROLES}"
_GROUP = r"(?:第?[一二三四五六七八九十\d]{1,3}(?:村民小组|村民组|生产队|小队|组|队|社))"
_PARTY_AFTER = r"(?=的|收[回取]|结清|同意|统一|所有|集体|负责|管理|账户|退|补|装车|另|可|按|给付|支付|赔偿|返还|归还|缴|承担|应|须|享有|协助|配合|补偿|全体|社员|成员|共有|，|。|；|、|$)"
# Whose land it is, is where it lies.
_LAND = rf"的[{HAN}]{{0,4}}(?:土地|房屋|房产|耕地|林地|农田|地块|承包地|宅基地|院落|厂房|山林|果园|鱼塘)"
_VILLAGE_PARTY = re.compile(
    rf"(?:(?:^|[，。；:：\s\n]|把|将|从|交|代表|退出|加入|(?<!金)属于?|系|{_PARTY_BEFORE})(?P<x>{_H}{{0,4}}?{_GROUP}|{_H}{{2,5}}(?<![小本该同全邻外农乡各])(?:组|队|村|屯|寨|嘎查|社区|林场|农场|牧场|山场))"
    rf"|(?:交|{_PARTY_BEFORE})(?P<whole>(?:{_H}{{2,12}}?[省市县区旗州])?{_H}{{2,6}}?(?:镇|乡|街道|苏木)[{HAN}]{{1,6}}?(?:{_GROUP}|村|屯|寨|嘎查|社区)(?!{_LAND}))){_PARTY_AFTER}"
)
_VILLAGE_END = re.compile(rf"(?:[组队社村屯寨区场]|嘎查){_PARTY_AFTER}")
# 返还某镇某村的土地 says where the land lies, not whose it is.
_LAND_BEHIND = re.compile(
    r"的?(?:[一二三四五六七八九十\d]{1,3}[亩块处间套栋]|承包)?(?:土地|耕地|林地|山地|荒地|水田|旱地|草场|宅基地|房屋|房产|住房|老屋|老宅|院落|宅院|厂房|果园|鱼塘|山林)"
)
_NO_VILLAGE = re.compile(
    r".*(?:小组|合议组|专案组|工作组|清算组|调查组|专家组|鉴定组|项目组|业主|车队|部队|军队|乐队|球队|战队|排队|组队|团队|中队|大队|支队|总队|班组|机组|分组|重组|[上下本该同全邻外农乡]村|[一二三四五六七八九十\d]队列)$"
)
_VERB = re.compile(r"[的将把在从未已应须需可按经为其被并且或]")

_SIGN = re.compile(
    rf"(?:店招|招牌|字号|商号|店名|网店|店铺|商铺|门店|民宿|[店铺庄摊馆厅坊吧园社厂行])(?:为|叫|名为|名称为|名)?[“\"‘「](?P<x>[{HAN}A-Za-z0-9·]{{2,12}})[”\"’」]"
)
_SHOWN = re.compile(
    rf"[“\"‘「](?P<x>[{HAN}A-Za-z0-9·]{{2,12}})[”\"’」]的?(?:字样|文字)?的?(?:招牌|店招|门头|牌匾|字号|商号)"
    rf"|(?:招牌|店招|门头|字号|店名)[为是叫:：]?(?P<bare>(?!(?:侵权|原有|变更|拆|制作|安装|注销|由|已|应|上|等|广告|登记|费|款|以|和|与|及|被|的))[{HAN}]{{3,8}})(?=[，。；])"
)
_CONTRACTOR = re.compile(
    rf"(?:(?:总包|分包|总承包|承包|承建|施工|建设|发包|监理|设计|勘察|中标|供货|供应|销售|采购|物业|用工|用人|劳务派遣|派遣|运营|托管|维保|维修|生产|加工|代工|检测|评估|鉴定|承运|保管|受托|开发|出租|承租)单位|(?:供应|经销|代理|承包|开发|加盟|服务|运营|分包|供货|制造|生产|销售|零售|批发)商|(?:租赁|承租|出租|承建|总包|分包|供货|代工|加工|施工|托管|承运|加盟|特许|运营|承办|主办)方)[:：]?"
    rf"(?P<x>[{HAN}]{{3,8}}?)(?=已|应|须|未|均|现|今后|名下|处|于|在|将|向|和|与|及|的|、|，|；|。|[(（]|押|$)"
)


def find_firms(text: str) -> Iterator[Place]:
    """Firms named by their own word and their trade."""
    yield from (match.span() for match in _FAMILY_SHOP.finditer(text))
    last = -1
    for match in _FIRM.finditer(text):
        floor = max(0, match.start() - 12)
        before = _FIRM_BEFORE.search(text, floor, match.start())
        after = _NEXT_FIRM.search(text, max(floor, last), match.start()) if 0 <= match.start() - last <= 8 else None
        if after and after.start() in (last, last + 1):
            before = after
        if before is None and match[0] in _INDUSTRIES:
            before = _ANY_BEFORE.search(text, floor, match.start())
        if before is None:
            continue
        begin = max(0, before.start("x") - 3)
        start = max(before.start("x"), begin + find_start(text[begin : match.end()]))
        own = text[start : match.start()]
        if len(own) < 2 or _GENERAL.fullmatch(own) or _NOT_OWN.search(own):
            continue
        # Behind a role a word of courts is a brand as well.
        if _is_ordinary(own) and text[before.start() : before.start("x")].strip("、") not in ROLE_WORDS:
            continue
        named = _BEHIND_PARTY.search(text, max(0, start - 8), start) and start > before.start("x")
        opens = (
            not named
            and before.re is _FIRM_BEFORE
            and before["open"] is not None
            and text[start - 1 : start] not in _TO_OR_FROM
        )
        if opens and (not _SUBJECT.match(text, match.end()) or match[0] in _GOODS):
            continue
        last = match.end()
        yield start, last


def find_regional(text: str) -> Iterator[Place]:
    """Who is paid or pays, named with the region and without any kind that is known."""
    for first, end in find_regions(text):
        if _PARTY.search(text, max(0, first - 8), first):
            rest = _REGIONAL.match(text, end)
            if rest and not _is_ordinary(rest[0]) and not _ROADED.search(rest[0]):
                yield first, rest.end()


def find_numbered(text: str) -> Iterator[Place]:
    """Schools and hospitals named by their number."""
    for match in _NUMBERED.finditer(text):
        before = _BEFORE_NUMBER.search(text, max(0, match.start() - 4), match.start())
        if before:
            start = before.start() + find_start(text[before.start() : match.end()])
            if start < match.start():
                yield start, match.end()


def find_villages(text: str) -> Iterator[Place]:
    """Villages and their groups where a party stands."""
    if not _VILLAGE_END.search(text):
        return
    for match in _VILLAGE_PARTY.finditer(text):
        group = "whole" if match["whole"] else "x"
        name = match[group]
        if group == "whole" and _LAND_BEHIND.match(text, match.end()):
            continue
        if not _NO_VILLAGE.match(name) and not _VERB.search(name) and name not in ORDINARY and len(name) > 1:
            yield match.span(group)


def find_signs(text: str) -> Iterator[Place]:
    """What a shop is called on its sign, and who is named as a contractor or supplier without any kind."""
    yield from (match.span("x") for match in _SIGN.finditer(text))
    for match in _SHOWN.finditer(text):
        group = "x" if match["x"] else "bare"
        if not _is_ordinary(match[group]):
            yield match.span(group)
    for match in _CONTRACTOR.finditer(text):
        if match["x"][:2] not in ORDINARY and not _GENERAL.fullmatch(match["x"]) and not _VERB.search(match["x"]):
            yield match.span("x")


def _is_ordinary(word: str) -> bool:
    """Whether `word` says which firm is meant without naming it, or is but a word of courts."""
    return bool(_GENERAL.fullmatch(word)) or word in ORDINARY or word[:2] in ORDINARY or word[-2:] in ORDINARY
