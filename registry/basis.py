"""Whether the document that an entry rests on is of a kind that may not be published, as far as its words tell. Pure.

法释〔2016〕19号 art. 4: divorce and whatever concerns the raising or guardianship of a minor child, and offences
committed by minors. What such a document orders is not repeated on the list; the list refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum


class BasisKind(StrEnum):
    """Kinds of documents that may not be published (法释〔2016〕19号 art. 4 (2), (4))."""

    DIVORCE = "divorce"
    CUSTODY = "custody"
    MINOR = "minor"


_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_BRACKETS = re.compile(r"[(（〔\[【][^()（）〔〕\[\]【】]*[)）〕\]】]")
_TRADITIONAL = str.maketrans(
    "離婚準許與養撫隨歲滿訴親權關係變財產協議給補償當時實為監護視盜竊決認",
    "离婚准许与养抚随岁满诉亲权关系变财产协议给补偿当时实为监护视盗窃决认",
)

# A marriage ended in other words: read as the plain one.
_SYNONYMS = re.compile(
    r"离异(?!妇女|女子|男子|女性|男性|人士|人员|状态|家庭|后|多年|的)|(?<!解)散婚(?![庆礼宴介])"
    r"|(?<!不)(?<!未)(?:婚姻|夫妻)(?:关系|登记|名分|情分|缘分)?(?:\([^()]*\)|（[^（）]*）)?(?:自此|就此|即告|从此|因此|予以|于法|至此|自[^，。；]{1,12}起){0,2}(?:终结|解消|消灭|断绝|解除|了断)"
    r"|(?:解除|终结|结束|了断|断绝)[^，。；]{0,12}夫妻(?:名分|情分|缘分)|不再(?:是|为|系|以|存在|存续?)?夫妻|夫妻(?:缘分|情分|感情)已尽"
)

# Minors --------------------------------------------------------------------------------------------------------------

_TIME = r"(?:犯罪|作案|案发|犯案|行为|违法|(?:实施|盗窃|抢劫|抢夺|伤害|伤人|诈骗|强奸|聚众斗殴|寻衅滋事|贩毒)[^，。；]{0,8}|犯[^，。；]{1,12}罪)(?:之?时|的时候|之际|期间|当时|那年)"
_UNDER_AGE = r"(?:[未不]满|未达|不到|未足|未年满|不足|尚未满)(?:十[四六八]|1[468])"
_MINOR = re.compile(
    rf"""未成年(?:人)?(?:罪犯|被告人|犯(?!罪(?:题材|预防|心理|研究|小说|电影|类?图书))|刑事|嫌疑人|同案)
    |{_TIME}[^。；]{{0,12}}(?:(?<!已非)(?<!并非)(?<!不是)(?<!不系)未成年|{_UNDER_AGE})
    |(?:犯|罪|作案)[^。；]{{0,16}}(?:系|属|是|为|尚)未成年(?!人?的?(?:被害|受害|子女))
    |(?:被告人|罪犯)[^，。；被退赔]{{0,10}}[，（(]?(?:系|属|是|为)?未成年人?(?!被害|受害|子女|的)[，）)犯]
    |(?<!被害人)(?<!受害人)(?<!教唆|利用|引诱|强迫|胁迫|组织|指使|雇用|雇佣|唆使|诱骗|欺骗|容留|侵害|猥亵|殴打|针对)(?<![对与向害])未成年人?(?!人)[^，。；被害]{{1,8}}(?:聚众斗殴|寻衅滋事|盗窃|抢劫|抢夺|诈骗|强奸|贩毒|故意伤害|敲诈勒索|伤人|放火)(?!罪?的?(?:被害|受害))
    |附带民事[^。；]{{0,12}}未成年(?!人?的?(?:被害|受害|原告))|{_UNDER_AGE}周?岁(?:之?时|以前|之前|期间)[^，。；]{{0,8}}(?:犯|作案|参与|实施|聚众|盗窃|抢劫|伤人)
    |少年(?:刑事|犯(?!罪)|法庭|审判庭)|附条件不起诉|犯罪记录(?:予以)?封存|合适成年人|未检(?=[部科处厅]|办(?!理)|工作|检察)
    |(?<!教唆|利用|引诱|强迫|胁迫|组织|指使|雇用|雇佣|唆使|诱骗|欺骗|容留|侵害|猥亵|殴打|针对)(?<![对与向害])未成年人?[^。；，被]{{1,20}}犯[^，。；]{{1,10}}罪|(?:系|属|是|为)未成年人?[，,、（(][^。；]{{0,30}}(?:犯[^，。；]{{1,10}}罪|从轻|减轻)
    |附带民事(?:诉讼)?被告人?[^，。；]{{1,40}}(?:及其|与其|的|之|和其)(?:法定代理人|监护人)
    |被告人[^，。；]{{1,30}}(?:及其|与其|的|之|和其)(?:法定代理人|监护人)""",
    re.VERBOSE,
)
_YEARS = r"(?P<age>\d{1,2}|[十一二三四五六七八九]{1,3})周?岁"
_AGE_THEN = re.compile(
    rf"(?P<then>{_TIME})(?:年龄|尚|其|还|只有|年仅|时年|仅|才|刚|为|系|是|年|已满|满){{0,3}}{_YEARS}|(?:时年|年仅)(?:仅|才|刚|满)?{_YEARS.replace('age', 'bare')}"
    rf"|{_YEARS.replace('age', 'early')}(?:之?时|的时候|那年|之际)?(?:就|即|便|伙同[^，。；]{{1,8}}|曾|又|因)?(?:犯[^，。；]{{1,12}}罪|作案|犯案|盗窃|抢劫|抢夺|行窃|诈骗|伤人|殴打|纵火|放火)"
)
_OFFENCE = re.compile(
    r"犯[^，。；]{1,12}罪|被告人|罚金|退赔|刑事|有期徒刑|拘役|盗窃|抢劫|作案|犯案|犯罪|偷|窃|抢|骗取|强拿硬要|寻衅|滋事|斗殴|敲诈|勒索|纵火|放火|伤人|毁坏|强奸|贩毒"
)
_OFFENDER = re.compile(r"被告人?|罪犯|犯|作案|案发|同案|嫌疑人")
_OFFENDS = re.compile(r"[，,]?(?:即|便|就)?(?:犯|参与|伙同|实施)")
_FULL_AGE = 18
_DIGITS = "零一二三四五六七八九"

# The raising of children -----------------------------------------------------------------------------------------------

_CHILD = r"(?:孩子|小孩|孩童|子女|娃娃?|宝宝|婴儿|女儿|儿子|女孩|男孩|双胞胎|龙凤胎|[长次幼独小三][子女](?!士)|小女儿|婚生|[继养][子女](?!士)|孙[子女]|女童|男童)"
_COSTS = r"(?:奶粉|尿布|尿不湿|生活|教育|学|学杂|托|保育|伙食|补习|养育|花销|日常)(?:费用?|钱)"
_SHARED = r"(?:每[月年季]|按[月年季]|各半|对半|一半|均摊|平摊|各自负担|分担|各担|承担[^，。；]{0,4}(?:一半|50[%％]|百分之五十|二分之一))"
_CUSTODY = re.compile(
    rf"""(?<!被)(?<!被其)抚[养育](?!人|的人)|(?:直接|变更[^，。；]{{0,12}})抚[养育]人
    |(?<!被)扶养费
    |(?:婚生|非婚生|婚外生?|亲生)(?:长|次|独|幼|小|之|一)?(?:[子女]|男孩|女孩|儿)
    |随(?!(?:其|原告|被告)?(?:[长次三四]子|[长次三四]女|儿子|女儿|子女|儿媳|孙))(?![团队船军])(?:[^，。；]{{1,20}}?(?:方|父|母)?)(?:共同)?(?:生活|居住)(?!费|用品)
    |探望(?!病|伤|费|住院|[^，。；]{{0,4}}(?:父|母(?!子)|老人|爷|奶|外公|外婆|坟|墓))|探视(?!病|费|室|系统|[^，。；]{{0,4}}(?:犯|病|父|母))
    |(?:指定|变更|撤销|取消|恢复|确定|担任|暂代|代为)[^，。；]{{0,24}}监护(?![仪室病器设系中费型])|监护权|监护人?资格|变更监护|监护关系
    |看望[^，。；]{{0,8}}(?:孩子|子女|女儿|儿子|婚生)|监护人[^，。；]{{0,10}}变更|共同监护|由[^，。；,:：]{{1,16}}(?<!重症)监护(?![人仪室病器设系中费型])|由[^，。；,:：]{{1,16}}(?:担任|任)[^，。；,]{{0,8}}监护人
    |{_CHILD}[^，。；]{{0,16}}(?:交由|交还|送回|独立生活)
    |(?:每月|每年|按月)[^。；]{{0,20}}{_CHILD}[^，。；]{{0,10}}(?<!养人)生活费
    |(?:{_CHILD}|(?<!养人)生活费)[^。；]{{0,24}}(?:独立生活|成年时|成年为?止)
    |{_CHILD}[^。；]{{0,14}}{_COSTS}[^。]{{0,24}}{_SHARED}|{_SHARED}[^。；]{{0,20}}{_CHILD}[^，。；]{{0,8}}{_COSTS}
    |亲子关系|子女归|{_CHILD}[^，。；]{{0,10}}(?:归|由|跟|跟着|随|判给|留给)[^，。；]{{1,14}}(?:抚|带养|带大|照[顾料看]|监护|教育|养|带(?![来走领头])|过(?![户错失程期])|生活)
    |(?:[长次幼独][子女]|女儿|儿子|孩子)随[父母](?=[，。；、])|(?:每[两二三]?[周月年]|周末|寒暑?假|暑假|节假日|双休|星期)[^，。；]{{0,12}}(?:接|与|同|陪|看望|看|见|带)[^，。；]{{0,6}}{_CHILD}
    |{_CHILD}[^，。；]{{0,4}}(?:户口|学籍|出生(?:医学)?证明?|接种证|疫苗本)|(?:与|同|和|见){_CHILD}[^，。；]{{0,4}}(?:见面|相处|团聚|联系|会面|通话|视频)
    |(?:将|把)[^，。；]{{0,4}}{_CHILD}(?!的|名下)[^，。；]{{0,10}}(?:送|交|还|领)
    |{_CHILD}[^。；]{{0,30}}(?:跟|跟着)[^，。；]{{1,8}}(?:过|生活|住)(?![户错失程期])""",
    re.VERBOSE,
)
# An elder who lives with a child, heirs born in wedlock.
_ELDERS = re.compile(r"赡养|继承|遗产")
_CHILDS = re.compile(r"孩子|娃|婴|(?<!被)抚[养育](?!人)|未成年|监护|探望[^，。；]{0,8}(?:孩子|子女|婚生|女儿|儿子)")
# 被抚养人生活费 in a tort, an elder who is supported, and what only says that nothing of the kind is at stake.
_NO_CUSTODY = re.compile(
    r"(?:与|和)?(?:子女|孩子|儿童)?抚养(?:问题|事宜|纠纷)?(?:无关|不在本案|不属)|不(?:主张|要求|再|需|应)(?:由)?[^，。；]{0,8}抚养|(?:不涉及|无涉|未涉及)[^，。；]{0,8}抚养"
    r"|抚[养育](?:的)?(?:[犬狗猫马]|宠物|动物|[^，。；]{0,4}(?:犬只|狗|猫))|(?:用于|用作|因|以|为)[^，。；]{0,10}抚[养育][^，。；]{0,10}(?:为由|困难|所需|[^，。；]{0,6}(?:借|贷))|重症监护|监护病房"
    r"|(?:犊|羔|驹|仔猪|幼崽|雏|[犬狗猫])[^，。；]{0,8}抚[养育]|社会抚养费|遗赠扶?抚?养|赡养|抚养费?(?:保险|基金会)|抚育林|(?:幼林|森林|苗木|林木|中幼林)抚育|抚育(?:采伐|间伐|管护|苗木|工程|作业)"
)
_DEATH = re.compile(r"死亡赔偿金|丧葬费|残疾赔偿金|误工费|护理费|营养费")
_RAISED = re.compile(rf"抚[养育]|扶养费|.*生活费.*|.*(?:独立生活|成年.*)|.*{_COSTS}.*|.*{_SHARED}.*")
# Who cannot act for himself though of age has a guardian too.
_ADULTS = re.compile(r"精神病|精神分裂|痴呆|失智|植物人|老人|成年被监护|无民事行为能力的?成年|失能")
_MINOR_CHILD = re.compile(rf"未成年|{_CHILD}")
_GUARDED = re.compile(r".*监护.*")

# Divorce ----------------------------------------------------------------------------------------------------------------

_DECREE = re.compile(
    r"""(?:准予?|准许|判决|判令|判准|调解|自愿|协议|同意|双方|应当?)[^。；]{0,40}?离婚(?=[，。；、：:）)]|$|诉请|请求|的诉讼|之诉)
    |(?<!代理)(?<!委托)离婚(?:纠纷|后财产|后损害|后的?财产|案款|案件|一案|判决|民事|调解|诉请|诉讼请求|经济帮助|损害赔偿|财产分割|经济补偿|补偿)
    |(?<!不)(?<!未)(?:解除|终止)[^。；]{0,30}(?:婚姻关系|夫妻关系)
    |婚姻关系[^，。；]{0,8}(?:解除|终止|无效)|(?:宣告|确认)[^，。；]{0,20}婚姻无效|撤销[^，。；]{0,20}婚姻(?!登记)|感情(?:确已|已经?)?破裂|离婚冷静期
    |归(?:女|男)方?(?=[，。；、]|所有)|[^，。；]{0,8}(?:离婚|一次性)(?:经济)?帮助金
    |男方[^。]{0,60}(?:归(?!还)|给付|支付|补偿)[^。]{0,20}女方|女方[^。]{0,60}(?:归(?!还)|给付|支付|补偿)[^。]{0,20}男方
    |(?:原、?被告|双方|夫妻)(?:自愿|登记|协议)?离婚(?=[，。；])""",
    re.VERBOSE,
)
_ORDERED = re.compile(
    r"""(?:调解|判决|诉讼)离婚(?=[，。；、：:,)）]|$)|(?:准予?|准许|判准|自愿|同意)[^。；]{0,40}?离婚(?=[，。；、：:）)]|$|诉请|请求|的诉讼|之诉)
    |(?<!代理)(?<!委托)离婚(?:纠纷|后财产|后损害|后的?财产|案款|案件|一案|判决|民事|调解|诉请|诉讼请求|经济帮助|损害赔偿|财产分割|经济补偿|补偿)
    |(?<!不)(?<!未)(?:解除|终止)[^。；]{0,30}(?:婚姻关系|夫妻关系)|(?:原、?被告|双方|夫妻)(?:自愿)?离婚(?=[，。；])|婚姻(?:关系)?[^，。；登记]{0,8}(?:解除|终止|无效)""",
    re.VERBOSE,
)
# A text about something else in which a divorce is told of: a loan, a fee, a gift to be revoked.
_ELSE = re.compile(
    r"彩礼|婚约|恋爱|同居|拆迁|继承|遗产|赡养|交通事故|误工费|护理费|工伤|物业|赠与|股权转让|合伙|加盟|培训|借款|贷款|借贷|[货料饲机车购装程租材备农种苗酒粮]款|租金|承担(?:连带)?(?:保证|担保)|债权人|撤销|介绍费|婚介|律师费|代理费|服务费|咨询费|名誉|侵权|买卖"
    r"|所欠|欠[^，。；]{0,6}款|骗|退赔|借条|借据|欠条|借[^，。；]{0,6}元|撞|维修费|装修|赃|盗|定金|股东|垫付|保险金|工资|运费|租赁费|劳务费|报酬|餐费|设计费|稿酬|演出|不发生(?:法律)?效力"
)
_TOLD = re.compile(
    r"\d{2}年[^，。；]{0,16}离婚(?!协议|判决书|调解书|纠纷)|(?:用于|用作|为了|为支付|为办理)[^，。；]{0,6}离婚[^，。；]{0,6}|离婚(?:纠纷|案件|诉讼|一案)[^，。；]{0,10}(?:代理|律师|委托|服务|咨询)费|(?:虽|已经?|曾|尚?未|没有|不|不涉及|无|非|因|如|若|即使|后|早已|先后|再次|正在|声称|谎称|假)[^，。；]{0,4}离婚|离婚(?:时|前|期间|后(?!财产|损害)|的不|证|率|与否|相关)[^，。；]{0,30}(?:借|欠|不影响|无关|贷)|不(?:涉及|存在)[^，。；]{0,6}离婚|离婚(?:家园|器)"
)
_MARRIED = re.compile(
    r"前[妻夫][^，。；]{0,8}(?:共有|共同(?=财产|房|存款|所有|购)|房屋补偿|分割|折价|财产|帮助|经济)|归(?:前?[妻夫]|[女男]方)(?=[，。；、]|所有|个人)|夫妻共同(?:存款|房屋|房产|车辆)[^。；范限债清偿]{0,30}(?:归|分|半)"
    r"|男方[^。]{0,40}(?:补偿|给付|支付)女方|女方[^。]{0,40}(?:补偿|给付|支付)男方|婚内(?:购置|所购|购买|取得|共同)[^，。；]{0,30}归"
    r"|(?:夫妻|婚后|婚姻)[^，。；债为]{0,10}(?:财产|房产|存款|车辆|股权)[^。；范限债]{0,30}(?:归(?!还)|分割|各半)|(?:分割)[^，。；]{0,10}(?:夫妻|婚后)(?:共同|共有)|夫妻共同财产(?!(?:及|和)?[^，。；]{0,8}(?:为限|范围|承担|清偿|偿还|归还|返还|抵债|抵押|中))|婚后(?:所购|购买|共同)[^，。；]{0,30}归|婚前(?:个人)?(?:财产|购买)[^。]{0,40}(?:前妻|前夫|归)"
)
_FORMER = re.compile(r"前[妻夫]|婚姻|夫妻|子女|女方|男方|财产分割|陪嫁|彩礼")


def find_basis_kind(texts: Iterable[str]) -> BasisKind | None:
    """The kind of the document from what the `texts` of a record say it ordered; None where nothing tells."""
    whole = _BLANKS.sub("", "\n".join(f"{text}。" for text in texts)).translate(_TRADITIONAL)
    # A child is asked for before a divorce: both are referred to alike, and a child's words are the surer ones.
    if _is_minors(whole):
        return BasisKind.MINOR
    bare = _SYNONYMS.sub("准予离婚", _BRACKETS.sub("", whole))
    if _is_custody(bare):
        return BasisKind.CUSTODY
    return BasisKind.DIVORCE if _is_divorce(bare) else None


def _is_minors(text: str) -> bool:
    if _MINOR.search(text):
        return True
    return bool(_OFFENCE.search(text)) and any(
        _read_age(then["age"] or then["bare"] or then["early"]) < _FULL_AGE
        and not _is_victims(text, then)
        and (
            then["bare"] is None
            or _OFFENDER.search(text, max(0, then.start() - 20), then.start())
            or _OFFENDS.match(text, then.end())
        )
        for then in _AGE_THEN.finditer(text)
    )


def _is_victims(text: str, then: re.Match[str]) -> bool:
    """Whether the one who was so young suffered the offence."""
    before = text[max(0, then.start() - 20) : then.start()]
    victim = max(before.rfind(word) for word in ("被害", "受害", "原告", "死者", "伤者"))
    return (
        victim > max(before.rfind(word) for word in ("被告", "罪犯", "犯"))
        or "被害" in text[then.end() : then.end() + 5]
    )


def _read_age(words: str) -> int:
    if words.isdigit():
        return int(words)
    tens, ten, ones = words.rpartition("十")
    return (_DIGITS.find(tens or "一") * 10 if ten else 0) + max(_DIGITS.find(ones), 0)


def _is_custody(text: str) -> bool:
    """Whether a child's raising is ordered; in a tort with a death or disability 抚养费 alone is an item of damages."""
    if _ELDERS.search(text) and not _CHILDS.search(text):
        return False
    rest = _NO_CUSTODY.sub("", text)
    signs = [match[0] for match in _CUSTODY.finditer(rest)]
    if _DEATH.search(rest):
        signs = [sign for sign in signs if not _RAISED.fullmatch(sign)]
    if _ADULTS.search(rest) and not _MINOR_CHILD.search(rest):
        signs = [sign for sign in signs if not _GUARDED.fullmatch(sign)]
    return bool(signs)


def _is_divorce(text: str) -> bool:
    """Whether a divorce is ordered or carried out; where the text is about something else, only by the words of a decree."""
    text = _DENIED.sub("", text)
    if not _ELSE.search(text):
        return bool("离婚" in text or _DECREE.search(text) or _MARRIED.search(text))
    rest = _TOLD.sub("", text)
    if _BETROTHED.search(rest):
        return False
    if _ORDERED.search(rest) or _MARRIED.search(rest):
        return True
    return "离婚协议" in rest and bool(_FORMER.search(rest)) and not _THIRD.search(rest)


_DENIED = re.compile(
    r"以[^，。；]{0,12}离婚[^，。；]{0,8}为由|(?:不涉及|并?未|没有|尚未|不存在|并非|非|假|谎称|声称)[^，。；]{0,4}离婚|离婚(?:证|率|家园|与否|纪念|主题|题材|综艺|剧|电影|小说|律师|顾问|咨询|摄影|派对|仪式|登记处|预约|讲座|课|公司|服务|热线|博主|视频|谣言|传闻)|不(?:存在|具有|构成)[^，。；]{0,6}(?:婚姻|夫妻)关系"
)
_BETROTHED = re.compile(r"婚约|同居关系|未办理结婚")
_THIRD = re.compile(r"债权人|撤销|借款|贷款|借贷|货款|工程款|不发生(?:法律)?效力|不得对抗|对外|善意第三人")
