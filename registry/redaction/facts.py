"""What a text says of somebody's health and age (法释〔2016〕19号 art. 10). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.trie import any_of, listed
from registry.redaction.vocabulary import Named

_NUMERAL = r"(?:[一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]|10|[1-9]|I{1,3}V?|VI{0,3}|IX|X)"
_GRADE = rf"(?:[一两二三1-5]\s?[个处项]\s?)?{_NUMERAL}\s?级"
_DISABILITY = r"(?:(?:肢体|视力|听力|言语|智力|精神|多重|功能|工伤|职业病|伤残|残疾)?(?:伤残|残疾|工伤|护理依赖|智残|肢残|残)(?:等级)?|护理依赖程度|部分护理依赖|大部分护理依赖|完全护理依赖|烧伤|烫伤|高血压|心功能|脑损伤|脱位)"
_GRADED = re.compile(
    rf"""(?:肢体|视力|听力|言语|智力|精神|多重)?{_GRADE}(?:\s?[、,，和及]\s?{_GRADE}){{0,4}}\s?(?:的)?{_DISABILITY}(?!人证)(?:\s?[、,，和及]\s?{_GRADE}{_DISABILITY}){{0,4}}
    |(?:{_GRADE}{_DISABILITY}?\s?[、和及]\s?){{1,4}}{_GRADE}{_DISABILITY}
    |(?:肢体|视力|听力|言语|智力|精神|多重)?(?:工伤|伤残|残疾|致残|评残|评定为|评为|护理依赖|劳动功能障碍|高血压|心功能|轻伤|轻微伤|重伤|烧伤|烫伤|脑外伤|损伤)(?:等级|程度|级别)?(?:鉴定)?(?:评定|鉴定|构成|达到|属|均)?(?:[:：为系是])?\s?(?:肢体|视力|听力|言语|智力|精神|多重)?[(（]?{_GRADE}(?:\s?[、,，和及]\s?{_GRADE}){{0,4}}(?:{_DISABILITY})?
    |{_NUMERAL}\s?级(?=[，。；、）)]\s?[^。]{{0,6}}(?:残疾|伤残))
    |[轻重](?:微)?伤\s?[(（]?[一二12IⅠⅡ]\s?级|(?:尘肺|矽肺|煤工尘肺|电焊工尘肺)(?:病)?[壹贰叁一二三ⅠⅡⅢ]期|[壹贰叁一二三ⅠⅡⅢ]期(?:尘肺|矽肺)(?:病)?|(?:构成|系|属|为|致)(?P<x>轻微伤|轻伤|重伤)""",
    re.VERBOSE,
)
_BODY = (
    "左右双两侧单上下前后中内外额颞顶枕脑颅头面部眼睑球眶视网膜耳鼻咽喉口腔唇舌牙齿颌颈项肩胛锁肱肘桡尺腕手掌指拇食环小末节胸肋骨肺心脏肝胆脾胰肾胃肠腹腰椎间盘脊髓骶尾盆髋臼股膝胫腓踝足跟距趾韧带半月板肌腱肉"
    "神经皮肤软组织粘黏膜血管动静脉淋巴甲状腺乳子宫卵巢前列膀胱尿道阴囊睾丸多发性粉碎开放闭合急慢原继先天后遗外伤恶良轻度中重型糖高低肢体大全身硬下蛛网室基底节干丛关冠第一二三四五六七八九十处根、挫裂擦撕脱切割贯通横斜螺旋压缩陈旧新鲜蛋白红白类风湿系统抑郁精神焦虑粒细胞再生障碍溶缺铁地海贫冠状粥样病毒结核乙丙丁型毒阻塞间质纤维支气盂球老年老小儿麻痹唐氏综合征智力发育迟缓双情感应激创妄想偏执酒依赖药物一氧化碳农噪声聋职业性肢主要次级近远端移位伴双上下眶鼓室窦道盘突狭窄术功能丧失视神经萎缩强直僵活动受限钝锐腿臂胳膊脚背臀胯脸腮巴颏毛发甲柱腔膈贲幽门十二指阑尾脐疝痔肛周瘘管壁层束颧颊鳞疱疹癣癜斑紫水液脓过敏免疫缺陷代谢分泌呼吸消化循环泌尿生殖造运平衡失创煤电焊工期宫外0123456789LTCS/\\-"
)
_CONDITION = listed("""
骨折 骨裂 脱位 破裂 破裂伤 裂伤 挫伤 挫裂伤 擦伤 擦挫伤 撕裂 撕裂伤 撕脱伤 断裂 损伤 扭伤 拉伤 烧伤 烫伤 灼伤 冻伤 电击伤 穿通伤 贯通伤 刺伤 切割伤 砍伤 枪伤 咬伤 挤压伤 脑外伤 复合伤 血肿 出血 积血 积液 水肿 气胸 血胸 血气胸 缺失 缺损 离断 截肢 畸形
贫血 甲亢 甲减 麻痹 帕金森 阿尔茨海默 狼疮 失禁 失语 疤痕 瘢痕 色素沉着 毁容 溃疡 穿孔 肿大 脓肿 结节 携带者 败血症 移位 错位 半脱位 智力低下 发育迟缓 弱智 智力障碍 精神失常 精神障碍 精神疾病 断指 断臂 断腿 截指 切除 摘除 造瘘 内固定 内固定术 关节置换
HIV 冠折 压伤 震伤 钝伤 紫癜 疱疹 湿疹 过敏 缺陷 疏松 软化 粘连 梗阻 闭塞 栓塞 血栓 变性 坏疽 挛缩 僵硬 强直 松动 脱落 下降 减退 异常 剖宫产 引产 小产 宫外孕 孕 烧伤面积 失明 盲目 失聪 耳聋 瘫 瘫痪 截瘫 偏瘫 高位截瘫 四肢瘫 功能障碍 障碍 丧失 梗死 梗塞 脑梗 中风 癌 瘤 肿瘤 白血病 血友病 尿毒症 病 炎 症 综合征 综合症 结核 肺结核 结石 息肉 囊肿 增生 突出 突出症 狭窄 硬化 衰竭 坏死 萎缩 感染 中毒 休克 昏迷 震荡 脑震荡
病变 哮喘 肝硬化 痛风 癫痫 抑郁症 痴呆 自闭症 孤独症 焦虑症 狂躁症 精神分裂症 植物人 植物状态 艾滋病 乙肝 丙肝 甲肝 梅毒 淋病 尖锐湿疣 性病 尘肺 矽肺 尘肺病 高血压 低血压 糖尿病 冠心病 心脏病 肾病 肝病 脑瘫 智障 聋哑 流产 早产 死胎 怀孕 妊娠 不孕 不育 白内障 青光眼 红斑狼疮
""")
_HEAD = re.compile(any_of(_CONDITION))
_WHERE = re.compile(rf"[{_BODY}]{{1,20}}")
_AFTER_HEAD = re.compile(r"(?:[一二三四ⅠⅡⅢ1-3]级|[早中晚]期|后遗症|并发症|[病症伤])?(?:术后)?")
_JOINED = re.compile(rf"(?:伴有?|并发?|以?及|合并|术后|[、,，和])[{_BODY}]{{0,16}}$")
_NOT_EVEN_SURE = re.compile(r"医院|专科|鉴定|检查|检测|药|防治|人证|赔偿|补助|险|房|门诊")
_NO_ILLNESS = re.compile(
    r"[房床例历假因区史毒虫害救灾险费金款人院者防危赔理种员类故]|保险|赔偿|赔付|医院|门诊|鉴定|检查|诊断证明|证明|补助|津贴|护理|监护|残疾赔|抚慰"
)
_ILLNESS = re.compile(
    r"(?:身患|患有|罹患|确诊为?|诊断为?|感染|身患|患(?!者|方|儿|上?处)上?|(?:病情|伤情|病因|伤势|病症)(?:[:：为是系]|诊断为?)|因患|死于|检出)\s?(?P<x>[一-龥A-Za-z0-9、·]{1,18}?)(?=[，。；;,、()（）\s]|等|的|住院|入院|死亡|去世|需|而|$)"
    r"|因(?P<y>[一-龥A-Za-z0-9、·]{2,14}?)(?=住院|入院|丧失|死亡|去世|就医|就诊|手术|瘫痪|卧床|治疗)"
)
_SURE = frozenset(
    listed("""
艾滋病 乙肝 丙肝 甲肝 梅毒 淋病 尿毒症 白血病 肺结核 糖尿病 恶性肿瘤 精神分裂症 抑郁症 癫痫 植物人 脑瘫 高位截瘫 截瘫 偏瘫 尘肺 矽肺 自闭症 孤独症 老年痴呆 痴呆 怀孕 流产 妊娠 高血压 冠心病 心脏病 HIV 性病
""")
)
_AGE = re.compile(
    r"[\d一二三四五六七八九十两百](?<![\d.一二三四五六七八九十百第满至到逾超足].)(?<!满[了其].)[\d一二三四五六七八九十百]{0,3}\s?(?:余|多|来)?\s?(?:个?半)?周?\s?岁(?:半|[零又]?\d{1,2}个月)?"
    r"(?!\s?(?:为?止|时?止|以[上下前后内]|之[前后日]|起|前|后|至|到|的?(?:未成年|子女|儿童|老人|生日)|生活自理))"
)
_AGE_AFTER_WORD = re.compile(
    r"(?:现年|今年|时年|年仅|年龄|年约|芳龄|享年|终年)\s?[:：为是]?\s?(?P<x>(?:\d{1,3}|[一二三四五六七八九十百]{1,4})(?![\d一二三四五六七八九十年月日元万%])\s?(?:余|多)?(?:周?\s?岁|个月)?)"
)
_COMING_OF_AGE = re.compile(r"(?:18|十八)\s?周?\s?岁")
_SCHOOL = re.compile(
    r"(?:就读于|就读|在读于|入读|转入|升入)\s?(?P<x>[一-龥0-9A-Za-z()·]{2,24}?(?:小学|中学|幼儿园|学校|高中(?!学)|初中(?!学)|[一二三四五六七八九十]中(?!学)|实小(?!学)|大学|学院|中专|职高|职校)(?:[一-龥]{0,4}(?:分校|校区|附属[一-龥]{2,6}))?)"
)
_HEALTH_HINT = re.compile(r"[级伤病症癌瘤炎折裂肿血失聋盲瘫梗肝孕产毒痴痫肺残患诊]|突出|HIV")


def find_facts(text: str) -> list[Named]:
    """Illnesses, injuries, degrees of disability, ages with their units, and the school somebody goes to."""
    found = []
    if _HEALTH_HINT.search(text):
        found = list(_find_health(text))
    if any(hint in text for hint in ("岁", "年龄", "现年", "今年", "时年")):
        found += _find_ages(text)
    if "读" in text or "入" in text:
        found += (Named("school", *match.span("x"), "high") for match in _SCHOOL.finditer(text))
    return found


def _find_health(text: str) -> Iterator[Named]:
    if "级" in text or "伤" in text or "期" in text:
        yield from (Named("health", *match.span(match.lastgroup or 0), "high") for match in _GRADED.finditer(text))
    if any(hint in text for hint in ("患", "诊", "感染", "情", "因", "检出")):
        for match in _ILLNESS.finditer(text):
            if _HEAD.search(match[match.lastgroup or 0]):
                yield Named("health", *match.span(match.lastgroup or 0), "high")
    yield from _find_conditions(text)


def _find_conditions(text: str) -> Iterator[Named]:
    """Injuries and illnesses with the part of the body before them; those that are joined are one."""
    last: Named | None = None
    for head in _HEAD.finditer(text):
        earlier = last.end if last else 0
        where = _WHERE.match(text[max(earlier, head.start() - 20) : head.start()][::-1])
        start = head.start() - (where.end() if where else 0)
        after = _AFTER_HEAD.match(text, head.end())
        end = after.end() if after else head.end()
        sure = _is_sure(head[0])
        if (_NOT_EVEN_SURE if sure else _NO_ILLNESS).match(text, end) or (start == head.start() and not sure):
            continue
        if last and _JOINED.fullmatch(text, last.end, start):
            last = Named("health", last.start, end, "low")
            continue
        if last:
            yield last
        last = Named("health", start, end, "low")
    if last:
        yield last


def _is_sure(word: str) -> bool:
    return word in _SURE or len(word) > 3


def _find_ages(text: str) -> Iterator[Named]:
    yield from (Named("age", *match.span("x"), "high") for match in _AGE_AFTER_WORD.finditer(text))
    for match in _AGE.finditer(text) if "岁" in text else ():
        start, end = match.span()
        if not _COMING_OF_AGE.match(text, start) or text[start - 1 : start] in "(（，,:：":
            yield Named("age", start, end, "high")
