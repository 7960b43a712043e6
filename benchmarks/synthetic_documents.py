"""Invented documents as they are published, for measuring the search: much more varied than the entries of the demo.

Nothing in them belongs to anyone. Regions, cities, courts and villages are put together from characters that no real
place is written with, the area code 99 is no province, and people and companies are drawn character by character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any, TypeVar

from gongshi.synthetic import build_uscc
from registry.record import Conduct
from search_index.document import DisclosedConduct, Document
from search_index.number import draw_number

T = TypeVar("T")


def build_documents(count: int, seed: int) -> Iterator[Document]:
    """`count` documents, the same for the same arguments; the first of a longer list are those of a shorter one.

    Seven in ten are persons. Obligations have 40 to 200 characters. Record numbers and case numbers are unique.
    """
    maker = _Maker(seed)
    return (maker.make(position) for position in range(count))


# --- words -----------------------------------------------------------------------------------------------------


def _weigh(groups: dict[int, str]) -> tuple[str, ...]:
    """Every character as often as its weight says."""
    return tuple(character for weight, characters in groups.items() for character in characters * weight)


_SURNAMES = _weigh(
    {
        40: "王李张刘陈",
        20: "杨赵黄周吴徐孙胡朱高林何郭马罗",
        8: "梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛",
        2: "邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边净阴闫肖付代",
    }
)
_COMPOUND_SURNAMES = ("欧阳", "上官", "诸葛", "司马", "尉迟", "皇甫", "令狐", "慕容", "长孙", "夏侯", "东方", "公孙")
_GIVEN = _weigh(
    {
        12: "伟强军明华文国建平志海永福生荣红梅英秀玉丽艳芳娜敏静霞",
        5: "磊洋勇杰涛超刚辉鹏飞鑫波斌宇浩凯健俊帆帅旭宁龙林峰贵德山娟燕玲婷雪慧莉琳倩颖洁云莲爱香月春桂兰凤金银清新成学光忠义良友祥顺",
        2: "真环妹莺媛瑞凡佳嘉琼勤珍贞娣璧璐娅琦晶河松柏东南北方正立世家振兴安定和谦诚信仁礼智孝廉耻宏伯仲叔季思远道哲逸尘子轩梓涵欣怡雨桐若曦诗博睿泽晨阳景天翔雷鸣鹤鸿雁虎豹彪骏驰腾达通发财源广茂盛昌隆泰康乐喜庆丰收禾苗青翠碧蓝紫丹彤彩虹霓露霜冰寒冬秋夏荷菊竹柳桃杏梨樱枫榕楠桦杉槐椿棠薇蓉蕾蕊蔓萍莎菲芬芸芝苑茜荔巧妙婉娇婵娥嫦姝姣妍妮姗媚淑贤惠敬恭谨慎守业绍承继启开运奇",
    }
)
_RARE = ("𠮷", "䶮", "㛃", "𬭎", "玥", "犇", "垚", "喆", "堃", "昶", "翀", "𫖯", "頔", "祎")
# Names that many people have: every list has namesakes.
_NAMESAKES = tuple(
    first + given
    for first in "王李张刘陈"
    for given in ("伟", "芳", "娜", "敏", "静", "强", "磊", "军", "秀英", "建国", "桂兰", "志强")
)
_TIBETAN = (
    "扎西",
    "次仁",
    "多吉",
    "平措",
    "旺堆",
    "洛桑",
    "格桑",
    "尼玛",
    "达瓦",
    "卓玛",
    "央金",
    "拉姆",
    "顿珠",
    "罗布",
    "巴桑",
    "边巴",
)
_UYGHUR = (
    "艾力",
    "买买提",
    "吐尔逊",
    "阿不都热合曼",
    "玉素甫",
    "库尔班",
    "阿依古丽",
    "古丽巴哈尔",
    "热依汗古丽",
    "帕提古丽",
)
_UYGHUR_FATHER = ("吾买尔", "阿不力孜", "艾山江", "依明", "赛买提", "托合提", "力木拉提", "肉孜", "亚森", "卡德尔")

_REGIONS = tuple(first + second for first in "测样拟虚仿" for second in "东西南北")
_CITIES = tuple(first + second for second in "岭渡溪屏垭坝湾墩甸荡坳圩" for first in "样拟虚仿测")
_DIVISIONS = ("市", "县", "区")
# Each court with its region, its town, and the four digits of its code.
_COURTS = tuple(
    (
        f"{city}{_DIVISIONS[n % 3]}人民法院",
        _REGIONS[n % 20],
        f"{city}{_DIVISIONS[n % 3]}",
        f"{n % 20 + 1:02d}{n // 20 + 1:02d}",
    )
    for n, city in enumerate(_CITIES)
)

_TRADE = (
    "云杉恒泰金桥瑞丰鼎盛宏远博雅中信诚联创新天和顺达华茂永兴嘉禾百川海纳源通正大光明安邦宝昌春晨德东方飞凡富港冠广贵国翰航浩合鹤弘厚沪汇慧吉佳建江捷锦晋京晶景聚君钧凯康科坤乐力利良"
    "隆龙鲁绿美名铭南宁鹏平普启千乾庆全荣融森山尚申升圣世舒双思斯松苏太腾庭途万旺威伟文吴五西熙祥向晓星雄旭轩雪勋亚阳耀业益银盈英优友宇裕元月悦韵泽展振志智众卓紫祖"
    "澳柏邦北蓓碧彬冰波伯财灿畅超朝辰成崇川传聪翠代丹淡岛登鼎斗敦朵尔发帆枫峰凤福甘高歌格耕谷固观贯瀚豪河衡红虹鸿花环皇辉魂骏凌霖玲岭柳露鹿伦罗洛麦曼梅梦米苗妙敏木牧慕暖欧派盘沛朋璞"
    "奇骐淇谦强勤青清秋泉群然日如润若赛三桑沙尚少神慎生胜石时书硕丝四素泰坛塘陶特田亭桐同维蔚沃希夕汐溪侠仙贤"
)
_FIELDS = (
    "商贸", "贸易", "建筑工程", "农业开发", "物流", "科技", "房地产开发", "餐饮管理", "装饰工程", "矿业", "劳务", "机械制造",
    "电子商务", "生物科技", "文化传媒", "物业管理", "汽车销售", "园林绿化", "市政工程", "医疗器械", "食品", "纺织", "服饰", "家具",
    "建材", "钢结构", "运输", "能源", "环保科技", "信息技术", "酒店管理", "旅游开发", "教育咨询", "投资管理", "融资担保", "印刷包装",
)  # fmt: skip
_FARMS = ("种植", "养殖", "果蔬种植", "中药材种植", "奶牛养殖", "生猪养殖", "茶叶", "农机", "水产养殖", "花卉苗木")
_SHOPS = (
    "小吃店",
    "建材经营部",
    "汽车修理厂",
    "服装店",
    "副食批发部",
    "苗木经营部",
    "五金商行",
    "农资经营部",
    "水产批发部",
    "广告制作部",
    "加油站",
    "砂石厂",
    "砖厂",
    "家具厂",
)
_GOODS = (
    "钢材", "水泥", "苗木", "饲料", "化肥", "煤炭", "砂石料", "商品混凝土", "木材", "门窗", "电缆", "涂料", "瓷砖", "布料", "大米", "面粉",
    "生猪", "肉牛", "水果", "茶叶", "药材", "轮胎", "柴油", "机床", "挖掘机", "塔式起重机", "脚手架", "模板", "空调", "家具", "服装", "包装箱",
    "种子", "农药", "玉米", "大豆", "冷冻食品", "白酒", "纸张", "玻璃", "铝型材", "石材", "沥青", "防水材料", "保温材料", "医疗设备", "电脑", "监控设备",
)  # fmt: skip
_COSTS = (
    "医疗费",
    "误工费",
    "护理费",
    "交通费",
    "营养费",
    "住院伙食补助费",
    "残疾赔偿金",
    "精神损害抚慰金",
    "鉴定费",
    "后续治疗费",
    "丧葬费",
    "被扶养人生活费",
)
_VILLAGE_FIRST = "清石北柳上下东西南前后大小黄白青红长高平新老龙凤马牛杨李桃松竹梅泉井塘堰寨沟"
_VILLAGE_SECOND = "溪桥坡林坝岗湾坪垭洼塬峁崖滩洲埠店集屯庄营堡寨坨沟壕圩浜垸坑洞岩"
_ROADS = ("演示路", "样例街", "虚拟大道", "仿真巷", "测试南路", "模拟北街", "样本东路", "演练西路")
_BANKS = ("测试银行示例支行", "演练农村商业银行", "样本信用社", "虚构村镇银行", "仿真商业银行营业部")
_OLD_TYPES = ("执", "执", "执恢")

_END = date(2026, 6, 30)
_ZONE = timezone(timedelta(hours=8))
_DAYS = tuple(_END - timedelta(days=n) for n in range(8 * 365))
_UPDATED = {day: datetime(day.year, day.month, day.day, 9, tzinfo=_ZONE) for day in _DAYS}
_CONDUCT = tuple((DisclosedConduct(code=conduct.value, text=conduct.text),) for conduct in Conduct)
# A field that came after this was written, and may be empty, is empty.
_EMPTY: dict[str, Any] = dict.fromkeys(field.name for field in fields(Document))


class _Counted(Random):
    """Draws what makes a record number so that none comes twice: the digits of a number that steps through all."""

    # Odd, and therefore without a common divisor with 32^7: every number comes once before any comes again.
    _STEP = 21_862_937_415

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self._number = start * 0x9E3779B1
        self._left = 0

    def choice(self, seq: Any) -> Any:
        if not self._left:
            self._number = (self._number + self._STEP) % 32**7
            self._left = 7
        self._left -= 1
        return seq[self._number >> 5 * self._left & 31]


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed).random
        self.numbers = _Counted(seed)

    def make(self, position: int) -> Document:
        published_on = self.pick(_DAYS)
        court, region, town, code = _COURTS[position % len(_COURTS)]
        filed_on = published_on - timedelta(days=20 + self.below(400))
        values = {
            **_EMPTY,
            **(self.make_person(code) if self.random() < 0.7 else self.make_organisation(region, town)),
            **self.make_obligation(),
            "record": draw_number(self.numbers),
            "court": court,
            "region": region,
            "basis_number": f"（{filed_on.year}）测{code}民初{self.below(9000) + 1}号",
            "basis_issuer": court,
            "case_number": self.make_case_number(filed_on.year, town, code, position // len(_COURTS) + 1),
            "filed_on": filed_on,
            "conduct": self.pick(_CONDUCT),
            "published_on": published_on,
            "updated_at": _UPDATED[published_on],
        }
        return Document(**values)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    # --- who

    def make_person(self, code: str) -> dict[str, Any]:
        born = 1950 + self.below(55)
        return {
            "kind": "person",
            "name": self.make_name(),
            "gender": "男" if self.random() < 0.66 else "女",
            "age": 2026 - born,
            "id_number": f"99{code}{born}****{self.below(10**4):04d}",
        }

    def make_name(self) -> str:
        chance = self.random()
        if chance < 0.03:
            return self.make_minority_name()
        if chance > 0.92:
            return self.pick(_NAMESAKES) if chance < 0.99 else self.pick(_SURNAMES) + self.pick(_RARE)
        surname = self.pick(_COMPOUND_SURNAMES) if chance < 0.04 else self.pick(_SURNAMES)
        return surname + self.pick(_GIVEN) + (self.pick(_GIVEN) if chance < 0.76 else "")

    def make_minority_name(self) -> str:
        chance = self.random()
        if chance < 0.4:
            return f"{self.pick(_UYGHUR)}·{self.pick(_UYGHUR_FATHER)}"
        return f"{self.pick(_TIBETAN)}{'·' if chance < 0.6 else ''}{self.pick(_TIBETAN)}"

    def make_organisation(self, region: str, town: str) -> dict[str, Any]:
        prefix, name = self.make_organisation_name(region if self.random() < 0.3 else town)
        return {
            "kind": "organisation",
            "name": name,
            "uscc": build_uscc(prefix, "990101", self.below(10**8)),
            "legal_representative": self.make_name(),
        }

    def make_organisation_name(self, place: str) -> tuple[str, str]:
        trade, chance = self.make_trade(), self.random()
        if chance < 0.55:
            return "91", f"{place}{trade}{self.pick(_FIELDS)}有限公司"
        if chance < 0.67:
            return "91", f"{place}{trade}{self.pick(_FIELDS)}有限责任公司"
        if chance < 0.74:
            return "91", f"{trade}（{place}）{self.pick(_FIELDS)}有限公司"
        if chance < 0.79:
            return "91", f"{trade}{self.pick(_FIELDS)}股份有限公司{place}分公司"
        if chance < 0.88:
            return "93", f"{place}{trade}{self.pick(_FARMS)}专业合作社"
        if chance < 0.97:
            return "92", f"{place}{trade}{self.pick(_SHOPS)}（个体工商户）"
        return "N2", f"{place}{self.make_village()}股份经济合作社"

    def make_trade(self) -> str:
        trade = self.pick(_TRADE) + self.pick(_TRADE)
        return trade + self.pick(_TRADE) if self.random() < 0.35 else trade

    def make_company(self) -> str:
        return f"{self.pick(_CITIES)}{self.make_trade()}{self.pick(_FIELDS)}有限公司"

    def make_village(self) -> str:
        return self.pick(_VILLAGE_FIRST) + self.pick(_VILLAGE_SECOND) + "村"

    # --- what about

    def make_case_number(self, year: int, town: str, code: str, serial: int) -> str:
        # A serial of its own for each court, whatever the year: no two cases share a number.
        chance = self.random()
        if chance < 0.06:
            return f"（{year - 6}）{town[:2]}执字第{serial:05d}号"
        suffix = "之一" if chance > 0.98 else ""
        return f"（{year}）测{code}{self.pick(_OLD_TYPES)}{serial}号{suffix}"

    def make_obligation(self) -> dict[str, Any]:
        amount = (self.below(9000) + 3) * 100
        text = self.join_clauses(amount)
        if self.random() < 0.8:
            return {"obligation": text, "performance": "全部未履行"}
        paid = (self.below(amount // 100 - 1) + 1) * 100
        return {
            "obligation": text,
            "performance": "部分未履行",
            "performed_part": f"已履行{paid}元",
            "unperformed_part": f"尚有{amount - paid}元及相应利息未履行",
        }

    def join_clauses(self, amount: int) -> str:
        text = self.pick(_MAIN)(self, amount)
        wanted = 40 + self.below(140)
        while len(text) < wanted:
            clause = self.pick(_STANDING) if self.random() < 0.4 else self.pick(_SIDE)(self)
            if len(text) + len(clause) > 198:
                break
            text = f"{text}{'；' if self.random() < 0.6 else '。'}{clause}"
        return f"{text}。"

    def write_amount(self, amount: int) -> str:
        chance = self.random()
        if chance < 0.4:
            return f"{amount}元"
        if chance < 0.6:
            return f"{amount:,}元"
        if chance < 0.75:
            return f"人民币{amount}.{self.below(90) + 10}元"
        return f"{amount / 10_000:g}万元"

    def write_cost(self) -> str:
        return f"{50 + self.below(20_000)}元"

    def write_day(self) -> str:
        return f"{2012 + self.below(14)}年{1 + self.below(12)}月{1 + self.below(28)}日"

    def write_place(self) -> str:
        if self.random() < 0.5:
            return f"{self.pick(_CITIES)}{self.make_village()}{1 + self.below(12)}组"
        return f"{self.pick(_CITIES)}{self.pick(_ROADS)}{1 + self.below(400)}号{1 + self.below(30)}幢{1 + self.below(30)}0{1 + self.below(6)}室"

    def write_party(self) -> str:
        return self.make_name() if self.random() < 0.6 else self.make_company()


_Main = Callable[[_Maker, int], str]
_Side = Callable[[_Maker], str]

_MAIN: tuple[_Main, ...] = (
    lambda m, a: (
        f"被告于本判决生效之日起十日内偿还原告{m.write_party()}借款本金{m.write_amount(a)}，并支付自{m.write_day()}起至实际清偿之日止的利息"
    ),
    lambda m, a: (
        f"支付申请人{m.write_party()}{m.pick(_GOODS)}货款{m.write_amount(a)}及逾期付款损失，以未付货款为基数按同期贷款市场报价利率计算"
    ),
    lambda m, a: (
        f"向{m.make_name()}等{2 + m.below(60)}人支付拖欠的劳动报酬共计{m.write_amount(a)}，于调解书生效后分{m.pick('二三四五六')}期付清"
    ),
    lambda m, a: (
        f"赔偿原告{m.make_name()}{m.pick(_COSTS)}、{m.pick(_COSTS)}、{m.pick(_COSTS)}等各项损失共计{m.write_amount(a)}"
    ),
    lambda m, a: f"对债务人{m.write_party()}所欠借款本金{m.write_amount(a)}及利息、罚息、复利承担连带清偿责任",
    lambda m, a: f"腾空并向{m.write_party()}交还位于{m.write_place()}的房屋，支付房屋占有使用费{m.write_amount(a)}",
    lambda m, a: (
        f"返还{m.write_party()}定金及已付购房款{m.write_amount(a)}，解除双方于{m.write_day()}签订的商品房买卖合同"
    ),
    lambda m, a: (
        f"支付{m.write_party()}工程款{m.write_amount(a)}，原告对{m.write_place()}工程折价或者拍卖的价款享有优先受偿权"
    ),
    lambda m, a: f"偿还{m.pick(_BANKS)}信用卡透支本金{m.write_amount(a)}、利息及违约金，计算至{m.write_day()}",
    lambda m, a: (
        f"支付租赁费{m.write_amount(a)}，并返还租赁的{m.pick(_GOODS)}{1 + m.below(500)}件，不能返还的按合同约定价格赔偿"
    ),
    lambda m, a: (
        f"向{m.write_party()}交付{m.pick(_GOODS)}{1 + m.below(900)}吨，逾期交付的按每日{m.write_amount(a // 100 + 100)}支付违约金"
    ),
    lambda m, a: (
        f"给付{m.make_name()}抚养费每月{300 + m.below(40) * 50}元，自{m.write_day()}起至子女年满十八周岁止，已欠{m.write_amount(a)}"
    ),
    lambda m, a: (
        f"退还{m.write_party()}合伙投资款{m.write_amount(a)}，并办理{m.make_trade()}{m.pick(_SHOPS)}的注销登记"
    ),
    lambda m, a: (
        f"连带偿还{m.pick(_BANKS)}贷款本金{m.write_amount(a)}，按合同约定的年利率百分之{m.pick('四五六七八九')}支付利息及罚息"
    ),
    lambda m, a: (
        f"支付{m.write_party()}运输费{m.write_amount(a)}，其中{m.pick(_GOODS)}运费于{m.write_day()}前付清，余款分期支付"
    ),
    lambda m, a: (
        f"补偿{m.make_name()}土地承包经营权流转费{m.write_amount(a)}，恢复{m.write_place()}{1 + m.below(300)}亩耕地原状"
    ),
    lambda m, a: f"停止侵害并赔偿{m.make_company()}经济损失及合理开支{m.write_amount(a)}",
    lambda m, a: f"支付股权转让款{m.write_amount(a)}给{m.write_party()}，协助办理{m.make_company()}的股东变更登记",
)
_SIDE: tuple[_Side, ...] = (
    lambda m: f"负担案件受理费{m.write_cost()}",
    lambda m: f"负担诉讼保全费{m.write_cost()}、公告费{m.write_cost()}",
    lambda m: f"支付律师代理费{m.write_cost()}",
    lambda m: f"按年利率{36 + m.below(120)}‰计算违约金",
    lambda m: f"{m.make_name()}承担一般保证责任",
    lambda m: f"{m.make_name()}、{m.make_name()}在继承遗产范围内承担清偿责任",
    lambda m: f"{m.make_company()}对上述款项承担连带责任",
    lambda m: f"拍卖、变卖抵押的{m.pick(_GOODS)}所得价款优先受偿",
    lambda m: f"原告对位于{m.write_place()}的抵押房产享有优先受偿权",
    lambda m: f"于{m.write_day()}前先行支付{m.write_cost()}",
    lambda m: f"扣除已支付的{m.write_cost()}后一次性付清",
    lambda m: f"交付{m.pick(_GOODS)}的合格证明和增值税发票",
    lambda m: f"拆除位于{m.write_place()}的临时建筑",
    lambda m: f"在{m.pick(_CITIES)}日报上刊登道歉声明",
    lambda m: f"退回车辆一台，车架尾号{m.below(10**4):04d}",
    lambda m: f"协助{m.make_name()}办理不动产转移登记",
    lambda m: f"支付鉴定费{m.write_cost()}、评估费{m.write_cost()}",
    lambda m: f"如未按期足额支付，另付违约金{m.write_cost()}",
)
# What stands word for word in many entries.
_STANDING = (
    "如未按本判决指定的期间履行给付金钱义务，应当加倍支付迟延履行期间的债务利息",
    "逾期支付的，申请人可就全部未付款项一并申请强制执行",
    "驳回原告的其他诉讼请求",
    "承担保证责任后有权向债务人追偿",
    "双方再无其他争议",
    "利随本清",
    "被告承担连带清偿责任",
    "限判决生效后十五日内履行完毕",
)
