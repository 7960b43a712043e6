"""What a text says of somebody's health, age and birth, as people and hospitals say it. All of it is invented."""

from __future__ import annotations

import pytest

from registry.redaction import find
from registry.redaction.facts import find_facts
from registry.redaction.sheet import fold

GOES = """
颈部挥鞭伤|颈部挥鞭伤
左股骨粗隆间骨折|左股骨粗隆间骨折
肋骨多发骨折（3-7）|肋骨多发骨折（3-7
噪声聋|噪声聋
鼻骨粉碎|鼻骨粉碎
扩张型心肌病|扩张型心肌病
腰椎间盘膨出|腰椎间盘膨出
梅毒抗体阳性|梅毒抗体阳性
慢性肾脏病5期|慢性肾脏病5期
右眼视力0.1|右眼视力0.1
门牙掉了两颗|门牙掉了两颗
肋巴骨断三根|肋巴骨断三根
崴了脚|崴了脚
尾椎裂了|尾椎裂了
手脚发麻|手脚发麻
脑子受过刺激|脑子受过刺激
成了瘸子|瘸子
劳动能力八级|劳动能力八级
赔偿脾破裂费用|脾破裂
抑郁发作咨询费|抑郁发作
他六十四了，|六十四
伤者五十出头|五十出头
老人年近七十|年近七十
5周岁零3个月|5周岁零3个月
女（F，43Y）|43Y
（年满六十周岁）|年满六十周岁
民国三十年六月出生|民国三十年六月
男/1981年生/个体|1981年生
配偶（1986/6/6，结婚证丢失）|1986/6/6
生于庚申年三月初五|庚申年三月初五
2019年5月6日剖宫产一子|2019年5月6日
右胫腓骨中下段粉碎性骨折|右胫腓骨中下段粉碎性骨折
左眼无光感|左眼无光感
孕28周|孕28周
精神二级|精神二级
田七中风|中风
南门脾脏破裂|脾脏破裂
"""
STAYS = """
脚手架断裂
左侧车门变形
墙体开裂
通行障碍
设备功能丧失
排除妨害、消除障碍
糖尿病用药货款
血液透析机3台
肿瘤医院工程款
遇重大疾病另议
年满十八周岁
支付三年已七十万元
"""


@pytest.mark.parametrize("line", GOES.strip().splitlines())
@pytest.mark.parametrize("around", ["{}", "案涉{}。", "，{}，支付5000元"])
def test_what_is_said_of_health_or_age_goes_whole(line: str, around: str) -> None:
    words, _, private = line.partition("|")
    text = around.format(words)
    covered = {position for f in find(text, "测试人甲") for position in range(f.start, f.end)}
    start = text.index(private)
    assert {i for i in range(start, start + len(private)) if text[i].isalnum()} <= covered, text
    if "5000元" in around:
        assert covered.isdisjoint(range(text.rindex("5000元"), len(text)))


@pytest.mark.parametrize("words", STAYS.strip().splitlines())
@pytest.mark.parametrize("around", ["{}", "判令{}，支付5000元。"])
def test_what_happens_to_things_stays(words: str, around: str) -> None:
    text = around.format(words)
    assert [text[f.start : f.end] for f in find_facts(fold(text))] == []
