"""Invented entries in the import format, for the demo, training and measurement.

Nothing in them belongs to anyone: the area code 99 is no province, the courts and places do not exist, and neither
do the telephone prefix 154 and the card prefix 99. They are varied as real lists are: namesakes, compound surnames,
names with a middle dot, minority names with and without their Latin spelling, characters beyond the BMP, company
names with brackets, co-debtors, one debtor in many cases.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, TypeVar
from zlib import crc32

from registry.deadlines import add_months
from registry.record import Conduct

Entry = dict[str, Any]
T = TypeVar("T")


class SpoiledMoreThanAll(ValueError):
    """More spoiled lines were asked for than lines."""

    def __init__(self, spoiled: int, count: int) -> None:
        super().__init__(f"要求的错误行数{spoiled}多于总行数{count}，请减少错误行数或增加总行数")


def generate(count: int, seed: int, today: date, spoiled: int = 0) -> Iterator[Entry]:
    """`count` entries, the same for the same arguments. All pass import and approval on `today`, except `spoiled`
    of them, spread over the whole, each with one defect that import refuses (distinct, up to len(DEFECTS)).

    Raises SpoiledMoreThanAll.
    """
    if spoiled > count:
        raise SpoiledMoreThanAll(spoiled, count)
    return _generate(count, seed, today, spoiled)


def _generate(count: int, seed: int, today: date, spoiled: int) -> Iterator[Entry]:
    chosen = Random(f"spoiled {seed}").sample(range(count), spoiled)  # noqa: S311 - not a secret, must repeat
    defect_at = {position: DEFECTS[n % len(DEFECTS)] for n, position in enumerate(sorted(chosen))}
    maker = _Maker(random=Random(seed), today=today)  # noqa: S311 - not a secret, must repeat
    for position in range(count):
        entry = maker.make(position)
        if defect := defect_at.get(position):
            defect(entry)
        yield entry


# --- words -----------------------------------------------------------------------------------------------------

_COURTS = (
    ("测试市人民法院", "测试市", "0101", "990101"),
    ("测试市示例区人民法院", "测试市示例区", "0102", "990102"),
    ("测试市样本区人民法院", "测试市样本区", "0103", "990103"),
    ("测试市演练区人民法院", "测试市演练区", "0104", "990104"),
    ("测试市虚构县人民法院", "测试市虚构县", "0121", "990121"),
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴" * 4 + "徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文单解查仇盖区缪"
)
_COMPOUND_SURNAMES = ("欧阳", "上官", "诸葛", "司马", "尉迟", "皇甫", "令狐", "慕容", "长孙", "夏侯", "东方", "公孙")
_MALE = "伟强磊军洋勇杰涛超明刚平辉鹏飞鑫波斌宇浩凯健俊帆帅旭宁龙林建国华文志海峰永福生荣贵德山河松柏"
_FEMALE = "芳娜敏静丽艳娟霞燕玲婷雪慧莉红梅琳倩颖洁云莲真环爱妹香月莺媛瑞凡佳嘉琼勤珍贞桂娣璧璐娅琦晶"
_RARE = ("𠮷", "䶮", "㛃", "𬭎", "玥", "犇", "垚", "喆", "堃", "昶", "翀", "𫖯", "頔", "祎")
_NAMESAKES = {
    "男": ("张伟", "王伟", "李伟", "刘伟", "王强", "李强", "张勇", "王磊", "张磊", "李杰", "张涛", "王军"),
    "女": ("王芳", "李娜", "张敏", "李静", "王静", "刘洋", "王艳", "李娟", "张丽", "王秀英", "陈静", "杨丽"),
}
_TIBETAN = ("扎西", "次仁", "多吉", "平措", "旺堆", "洛桑", "格桑", "尼玛", "达瓦", "卓玛", "央金", "拉姆")
_UYGHUR_GIVEN = {
    "男": ("艾力", "买买提", "吐尔逊", "阿不都热合曼", "玉素甫", "库尔班"),
    "女": ("迪丽娜尔", "阿依古丽", "古丽巴哈尔", "热依汗古丽", "迪丽胡玛尔", "帕提古丽"),
}
_UYGHUR_FATHER = ("力木拉提", "吾买尔", "阿不力孜", "艾山江", "依明", "赛买提", "托合提")
_LATIN_PARTS = {
    "扎西": "Tashi", "次仁": "Tsering", "多吉": "Dorje", "平措": "Phuntsok", "旺堆": "Wangdu", "洛桑": "Lobsang",
    "格桑": "Kelsang", "尼玛": "Nyima", "达瓦": "Dawa", "卓玛": "Dolma", "央金": "Yangchen", "拉姆": "Lhamo",
    "艾力": "Eli", "买买提": "Memet", "吐尔逊": "Tursun", "阿不都热合曼": "Abdurehman", "玉素甫": "Yüsüp", "库尔班": "Qurban",
    "迪丽娜尔": "Dilnar", "阿依古丽": "Aygül", "古丽巴哈尔": "Gülbahar", "热依汗古丽": "Reyhangül", "迪丽胡玛尔": "Dilhumar",
    "帕提古丽": "Patigül", "力木拉提": "Ilmurat", "吾买尔": "Ömer", "阿不力孜": "Abliz", "艾山江": "Hesenjan", "依明": "Imin",
    "赛买提": "Semet", "托合提": "Toxti",
}  # fmt: skip
_TRADE = "云杉恒泰金桥瑞丰鼎盛宏远博雅中信诚联创新天和顺达华茂永兴嘉禾百川海纳源通正大光明"
_FIELDS = ("商贸", "建筑工程", "农业开发", "物流", "科技", "房地产开发", "餐饮管理", "装饰工程", "矿业", "劳务")
_FARMS = ("种植", "养殖", "果蔬", "中药材种植", "奶牛养殖")
_SHOPS = ("小吃店", "建材经营部", "汽车修理厂", "服装店", "副食批发部", "苗木经营部")
_VILLAGES = ("清溪村", "石桥村", "北坡村", "柳林村", "上坝村")
_STREETS = ("演示路", "样例街", "虚拟大道", "仿真巷", "测试南路")
_BANKS = ("测试银行示例支行", "演练农村商业银行", "样本信用社")
_EMPLOYERS = ("测试市第一示例中学", "测试市样本机械厂", "演练区虚构物业服务中心", "示例街道办事处")
_NOTES = ("被执行人曾承诺分期履行，未兑现。", "已两次电话催告。", "查控系统已反馈，名下车辆已查封。")
_LATIN = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_GROUNDS = ("state_secret", "trade_secret", "privacy", "other")
_WITH_TERM = tuple(conduct.value for conduct in Conduct if conduct.has_term)

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_USCC_WEIGHTS = tuple(3**n % 31 for n in range(17))
_USCC_VALUE = {character: value for value, character in enumerate(_LATIN)}


def build_citizen_number(area: str, born: date, sequence: int) -> str:
    """An 18-digit number with its check digit (GB 11643). `sequence` 0–999, odd for men."""
    body = f"{area}{born.isoformat().replace('-', '')}{sequence:03d}"
    return body + "10X98765432"[sum(map(int.__mul__, map(int, body), _ID_WEIGHTS)) % 11]


def build_uscc(prefix: str, area: str, serial: int) -> str:
    """A unified social credit code with both its check characters (GB 32100, GB 11714). `serial` below 10^8."""
    digits = f"{serial:08d}"
    remainder = 11 - sum(map(int.__mul__, map(int, digits), _ORG_WEIGHTS)) % 11
    body = f"{prefix}{area}{digits}{'X' if remainder == 10 else remainder % 11}"
    total = sum(_USCC_VALUE[c] * w for c, w in zip(body, _USCC_WEIGHTS, strict=True))
    return body + _LATIN[-total % 31]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Debtor:
    """Who is listed: the part of an entry that returns when the same debtor is listed in another case."""

    facts: Entry
    is_person: bool


@dataclass(slots=True, kw_only=True)
class _Maker:
    """Draws entries one after the other. It remembers the last case and some debtors, to come back to them."""

    random: Random
    today: date
    known: deque[_Debtor] = field(default_factory=lambda: deque(maxlen=40))
    case: Entry | None = None

    def make(self, position: int) -> Entry:
        chance = self.random.random
        is_co_debtor = self.case is not None and chance() < 0.03
        debtor = self.pick(self.known) if not is_co_debtor and self.known and chance() < 0.04 else self.make_debtor()
        if self.case is None or not is_co_debtor:
            self.case = self.make_case(position)
        entry = {**debtor.facts, **self.case, **self.make_decision(self.case)}
        if debtor.is_person and chance() < 0.6:
            entry["employer"] = self.pick(_EMPLOYERS)
        if chance() < 0.2:
            entry["note"] = self.pick(_NOTES)
        return entry

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random.random() * len(choices))]

    def below(self, limit: int) -> int:
        return int(self.random.random() * limit)

    # --- who

    def make_debtor(self) -> _Debtor:
        is_person = self.random.random() < 0.7
        facts = self.make_person() if is_person else self.make_organisation()
        facts["phone"] = self.make_phone()
        facts["address"] = self.make_address()
        debtor = _Debtor(facts=facts, is_person=is_person)
        self.known.append(debtor)
        return debtor

    def make_person(self) -> Entry:
        gender = "男" if self.random.random() < 0.66 else "女"
        # Of age for any decision that can be on the list, however old.
        born = self.today - timedelta(days=26 * 366 + self.below(50 * 365))
        sequence = self.below(499) * 2 + (1 if gender == "男" else 2)
        number = build_citizen_number(self.pick(_COURTS)[3], born, sequence)
        name = self.make_name(gender)
        facts: Entry = {"kind": "person", "name": name, "id_number": number, "gender": gender}
        if self.random.random() < 0.04:
            facts["id_number"] = f"{number[:10]}****{number[14:]}"
        elif self.random.random() < 0.5:
            facts["birth_date"] = born.isoformat()
        if latin_name := _find_latin_name(name, number):
            facts["latin_name"] = latin_name
        return facts

    def make_name(self, gender: str) -> str:
        chance = self.random.random()
        if chance < 0.15:
            return self.pick(_NAMESAKES[gender])
        if chance < 0.23:
            return self.make_minority_name(gender)
        surname = self.pick(_COMPOUND_SURNAMES) if chance < 0.26 else self.pick(_SURNAMES)
        if chance > 0.97:
            return surname + self.pick(_RARE)
        given = _MALE if gender == "男" else _FEMALE
        return surname + self.pick(given) + (self.pick(given) if chance < 0.7 else "")

    def make_minority_name(self, gender: str) -> str:
        chance = self.random.random()
        if chance < 0.4:
            return f"{self.pick(_UYGHUR_GIVEN[gender])}·{self.pick(_UYGHUR_FATHER)}"
        first, second = self.random.sample(_TIBETAN, 2)
        return f"{first}·{second}" if chance < 0.6 else first + second

    def make_organisation(self) -> Entry:
        _, region, _, area = self.pick(_COURTS)
        trade = self.pick(_TRADE) + self.pick(_TRADE)
        prefix, name = self.make_organisation_name(region, trade)
        representative = self.make_name("男" if self.random.random() < 0.75 else "女")
        return {
            "kind": "organisation",
            "name": name,
            "uscc": build_uscc(prefix, area, self.below(10**8)),
            "legal_representative": representative,
        }

    def make_organisation_name(self, region: str, trade: str) -> tuple[str, str]:
        chance = self.random.random()
        if chance < 0.6:
            return "91", f"{region}{trade}{self.pick(_FIELDS)}有限公司"
        if chance < 0.7:
            return "91", f"{trade}（{region}）{self.pick(_FIELDS)}有限责任公司"
        if chance < 0.75:
            return "91", f"{trade}{self.pick(_FIELDS)}股份有限公司{region}分公司"
        if chance < 0.85:
            return "93", f"{region}{trade}{self.pick(_FARMS)}专业合作社"
        if chance < 0.97:
            return "92", f"{region}{trade}{self.pick(_SHOPS)}（个体工商户）"
        return "N2", f"{region}{self.pick(_VILLAGES)}股份经济合作社"

    def make_phone(self) -> str:
        return f"154{self.below(10**8):08d}"

    def make_address(self) -> str:
        region = self.pick(_COURTS)[1]
        return (
            f"{region}{self.pick(_STREETS)}{self.below(300) + 1}号"
            f"{self.below(20) + 1}幢{self.below(4) + 1}单元{self.below(30) + 1}02室"
        )

    # --- what about

    def make_case(self, position: int) -> Entry:
        court, region, code, _ = _COURTS[position % len(_COURTS)]
        conduct = self.make_conduct()
        decided_on = self.make_decision_day(has_term=conduct[0] in _WITH_TERM)
        filed_on = decided_on - timedelta(days=20 + self.below(280))
        kind = "执恢" if self.random.random() < 0.08 else "执"
        case: Entry = {
            "court": court,
            "region": region,
            # A serial of its own for each court, whatever the year: no two cases share a number.
            "case_number": f"（{filed_on.year}）测{code}{kind}{position // len(_COURTS) + 1}号",
            "filed_on": filed_on.isoformat(),
            **self.make_basis(court, code, filed_on),
            **self.make_obligation(),
            "conduct": list(conduct),
            "decided_on": decided_on.isoformat(),
        }
        if self.random.random() < 0.9:
            case["applicant"] = {"name": self.make_name("男"), "phone": self.make_phone()}
        return case

    def make_conduct(self) -> tuple[str, ...]:
        chance = self.random.random()
        if chance < 0.5:
            return (Conduct.REFUSES_THOUGH_ABLE.value,)
        first = self.pick(_WITH_TERM)
        second = self.pick(_WITH_TERM)
        return (first, second) if chance > 0.9 and first != second else (first,)

    def make_decision_day(self, *, has_term: bool) -> date:
        if not has_term:
            return self.today - timedelta(days=1 + self.below(5 * 365))
        days_left = 2 + (self.below(6) if self.random.random() < 0.02 else self.below(720))
        return add_months(self.today + timedelta(days=days_left), -24)

    def make_basis(self, court: str, code: str, filed_on: date) -> Entry:
        year = filed_on.year - (1 if self.random.random() < 0.5 else 0)
        serial = self.below(6000) + 1
        if self.random.random() < 0.1:
            return {"basis_number": f"（{year}）测仲裁字第{serial:05d}号", "basis_issuer": "测试市仲裁委员会"}
        return {"basis_number": f"（{year}）测{code}民初{serial}号", "basis_issuer": court}

    def make_obligation(self) -> Entry:
        amount = (self.below(3000) + 3) * 1000
        third = self.make_name("男" if self.random.random() < 0.5 else "女")
        text = self.pick(_OBLIGATIONS)(self, third, amount) + self.make_details(third)
        if self.random.random() < 0.75:
            return {"obligation": text, "performance": "全部未履行"}
        paid = (self.below(amount // 1000 - 1) + 1) * 1000
        return {
            "obligation": text,
            "performance": "部分未履行",
            "performed_part": f"已履行{paid}元",
            "unperformed_part": f"尚有{amount - paid}元及相应利息未履行",
        }

    def make_details(self, third: str) -> str:
        """What clerks copy from the judgment and the public must not see: the gate has to find it."""
        chance = self.random.random()
        if chance < 0.08:
            return f"；款项汇入{third}名下账户99{self.below(10**15):015d}（{self.pick(_BANKS)}）。"
        if chance < 0.15:
            return f"；履行时与申请人{third}联系，联系电话{self.make_phone()}。"
        if chance < 0.22:
            return f"；并于判决生效之日起十日内腾退位于{self.make_address()}的房屋。"
        if chance < 0.25:
            born = date(1960 + self.below(40), 1 + self.below(12), 1 + self.below(28))
            number = build_citizen_number("990101", born, self.below(999))
            return f"；原告{third}（公民身份号码{number}）对抵押物享有优先受偿权。"
        return "。"

    def make_decision(self, case: Entry) -> Entry:
        decided_on = date.fromisoformat(case["decided_on"])
        served_on = min(decided_on + timedelta(days=self.below(16)), self.today)
        decision: Entry = {
            "decision_number": f"{case['case_number']}决定书",
            "served_on": served_on.isoformat(),
            "disclosure": "public",
        }
        if case["conduct"][0] in _WITH_TERM:
            decision["term_ends_on"] = add_months(decided_on, 24).isoformat()
        if self.random.random() < 0.95:
            decision["national_reference"] = f"测库{served_on:%Y%m%d}{self.below(10**6):06d}"
        if self.random.random() < 0.03:
            decision |= {"disclosure": "restricted", "restricted_ground": self.pick(_GROUNDS)}
        return decision


def _find_latin_name(name: str, number: str) -> str | None:
    """The Latin spelling of a minority name for two debtors in three. Nothing is drawn, so all else stays as it was."""
    given, _, father = name.partition("·")
    parts = (given, father) if father else (name[:2], name[2:])
    if not _LATIN_PARTS.keys() >= set(parts) or crc32(number.encode()) % 3 == 0:
        return None
    return " ".join(_LATIN_PARTS[part] for part in parts)


_Obligation = Callable[[_Maker, str, int], str]


def _repay_loan(maker: _Maker, third: str, amount: int) -> str:
    rate = 36 + maker.below(100)
    return (
        f"被告于判决生效之日起十日内偿还原告{third}借款本金{amount}元，并支付利息"
        f"（自{2019 + maker.below(5)}年{1 + maker.below(12)}月1日起至实际清偿之日止，按年利率{rate / 10}%计算）"
    )


def _pay_for_goods(maker: _Maker, third: str, amount: int) -> str:
    return (
        f"支付申请人{third}货款{amount}元及逾期付款损失（以未付货款为基数，按同期贷款市场报价利率计算），"
        f"负担案件受理费{50 + maker.below(9000)}元"
    )


def _pay_wages(maker: _Maker, third: str, amount: int) -> str:
    return (
        f"向劳动者{third}等{2 + maker.below(30)}人支付拖欠的劳动报酬共计{amount}元，于调解书生效后分三期付清；"
        "逾期支付的，申请人可就全部未付款项一并申请强制执行"
    )


def _compensate(maker: _Maker, third: str, amount: int) -> str:
    return (
        f"赔偿原告{third}医疗费、误工费、护理费、交通费等各项损失共计{amount}元，扣除已垫付的"
        f"{maker.below(9) + 1}000元后，余款于判决生效之日起十五日内付清"
    )


def _guarantee(maker: _Maker, third: str, amount: int) -> str:
    return (
        f"对债务人{third}所欠借款本金{amount}元及利息、罚息、复利承担连带清偿责任，"
        f"承担保证责任后有权向债务人追偿；负担诉讼保全费{maker.below(4500) + 500}元"
    )


_OBLIGATIONS: tuple[_Obligation, ...] = (_repay_loan, _pay_for_goods, _pay_wages, _compensate, _guarantee)


# --- what import must refuse -----------------------------------------------------------------------------------


def _without(*keys: str) -> Callable[[Entry], None]:
    def spoil(entry: Entry) -> None:
        for key in keys:
            entry.pop(key, None)

    return spoil


def _with(**values: object) -> Callable[[Entry], None]:
    return lambda entry: entry.update(values)


def _as_person(number: str) -> Callable[[Entry], None]:
    def spoil(entry: Entry) -> None:
        for key in ("uscc", "legal_representative", "birth_date"):
            entry.pop(key, None)
        entry.update(kind="person", gender="男", id_number=number)

    return spoil


def _as_organisation(uscc: str) -> Callable[[Entry], None]:
    def spoil(entry: Entry) -> None:
        for key in ("id_number", "latin_name", "gender", "birth_date", "employer"):
            entry.pop(key, None)
        entry.update(kind="organisation", uscc=uscc)

    return spoil


DEFECTS: tuple[Callable[[Entry], None], ...] = (
    _as_person("990101198001011230"),  # wrong check digit
    _without("name"),
    _with(filed_on="2024-02-30"),
    _with(conduct=["does_not_exist"]),
    _without("case_number"),
    _as_organisation("91990101123456788A"),  # wrong check character
    _with(surprise="x"),
    _without("id_number", "uscc"),
    _with(performance="不详"),
    _without("court"),
    _with(kind="robot"),
    _without("basis_number"),
    _as_person(build_citizen_number("990101", date(1980, 1, 1), 123).replace("19800101", "19801301")),
    _without("conduct"),
    _with(conduct=[]),
    _without("obligation"),
    _with(name="长" * 65),
    _without("performance"),
    _with(disclosure="secret"),
    _without("kind"),
)
