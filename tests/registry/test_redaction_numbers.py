"""Identifiers, and the figures that stay, as courts all over China write them. All numbers are invented."""

from __future__ import annotations

import time
from functools import partial

import pytest

from registry.redaction import detect
from registry.redaction.courts import find_kept_names
from registry.redaction.facts import find_facts
from registry.redaction.misread import read_misread
from registry.redaction.numbers import find_numbers
from registry.redaction.sheet import fold
from registry.redaction.tagger import Nobody

# The rules alone; what the network adds is measured on the corpus.
find = partial(detect.find, tagger=Nobody())
DEBTOR = "测试人甲"

GOES = """
身份证号码：99010119800506００19|99010119800506００19
身份证号990101198005060019、990101198005060027|990101198005060019;990101198005060027
身份证尾号0019|0019
身份证后四位为001X|001X
（身份证:9901 0119 8005 0600 19）|9901 0119 8005 0600 19
居民身份证编号990101800506001|990101800506001
ID号990101********0019|990101********0019
电话：0999－2000000转801|0999－2000000转801
电话：(0999)2000000、13800000000|(0999)2000000;13800000000
联系方式为+852 9123 4567|+852 9123 4567
手机１３８ ００００ ００００|１３８ ００００ ００００
致电00852-23456789|00852-23456789
拨打+1 (415) 555-0000催收|+1 (415) 555-0000
电话 86-0999-20000001|86-0999-20000001
热线400 000 0000|400 000 0000
卡号6217 0000 0000 0000 001|6217 0000 0000 0000 001
卡号：621700******0001|621700******0001
尾号为1234、5678的两张卡|1234;5678
银行卡（末四位1234）|1234
账号：1234-5678-9012|1234-5678-9012
账号：NRA1234567890|NRA1234567890
账户 41 0501 6586 0800 0000 01|41 0501 6586 0800 0000 01
汇入对公账户410501658608|410501658608
存折号12-345600460001234|12-345600460001234
车牌号为云A·12345|云A·12345
云A 1 2 3 4 5|云A 1 2 3 4 5
云AD12345（新能源）|云AD12345
云A1234学|云A1234学
粤Z1234港|粤Z1234港
WJ云12345|WJ云12345
使224578号车|使224578
云01-12345号拖拉机|云01-12345
不动产权证书号：云（2019）测试市不动产权第0012345号|0012345
测房权证样字第S0012345号、第S0012346号|S0012345;S0012346
测国用（2010）第000123号|000123
测集用(2010)字第0012号|0012
沪房地样字（2008）第012345号|012345
粤房地权证测字第0100012345号|0100012345
X京房权证样字第123456号|123456
房产证号为00123456|00123456
土地使用证号41-12-003456|41-12-003456
林权证B990000000123|B990000000123
测政林证字（2010）第005566号|005566
农村土地承包经营权证（编号：990101102204050012J）|990101102204050012J
宅基地使用证测宅字第0123号|0123
海域使用权证：国海证123456789号|123456789
他项权证：测房他证样字第201101234号|201101234
商品房预售许可证（2018）测房预字第012号|012
网签合同备案号2019012345|2019012345
不动产单元号990101001001GB00001F00010001|990101001001GB00001F00010001
邮箱a_b.c@example.com|a_b.c@example.com
邮箱 abc(at)example.com|abc(at)example.com
ａｂ＠ｅｘａｍｐｌｅ．ｃｏｍ|ａｂ＠ｅｘａｍｐｌｅ．ｃｏｍ
微信号：abc_123|abc_123
微信（wxid_abcdef12）|wxid_abcdef12
微信13800000000|13800000000
QQ群123456789|123456789
QQ号：12345|12345
支付宝账号abcdef|abcdef
支付宝（账号：abc@example.com）|abc@example.com
抖音号“样例小哥”|样例小哥
微信昵称为样例之家的用户|样例之家
微信名“A样例（二手车）”|A样例（二手车）
昵称“岁月静好”|岁月静好
微信转账至“样例花开”|样例花开
以“样例大叔”的名义在快手发布|样例大叔
微博@样例君|样例君
微信群“样例业主群”|样例业主群
用户名sample_01|sample_01
护照号E12345678|E12345678
护照G12345678|G12345678
港澳居民来往内地通行证H1234567801|H1234567801
台湾居民来往大陆通行证号码01234567|01234567
外国人永久居留身份证USA990000000001|USA990000000001
军官证南字第0012345号|南字第0012345号
士兵证号：20120012345|20120012345
驾驶证号990101198005060019|990101198005060019
驾驶证档案编号990100000001|990100000001
执业证号19901201012345678|19901201012345678
学籍号G990101201001010019|G990101201001010019
社保号0012345678|0012345678
残疾人证号99010119800506001943|99010119800506001943
结婚证号J990101-2010-000123|J990101-2010-000123
结婚证字号（2005）测结字第00123号|测结字第00123号
出生医学证明编号L990000123|L990000123
住院号0012345|0012345
病历号：20190012|20190012
警号012345|012345
车架号LTEST12345678901Q|LTEST12345678901Q
车架号：LSVAB2183E2000017；发动机号：8A12345|LSVAB2183E2000017;8A12345
发动机编号CA4D-123456|CA4D-123456
1980年5月6日出生|1980年5月6日
生于1980.5.6|1980.5.6
一九八〇年五月六日生|一九八〇年五月六日
八〇年五月生|八〇年五月
1980年农历三月初五生|1980年农历三月初五
出生年月：1980年5月|1980年5月
出生日期19800506|19800506
男，1980年5月6日，汉族|1980年5月6日
1980-05-06，汉族|1980-05-06
生日为5月6日|5月6日
born on 6 May 1980|6 May 1980
现年35岁|35岁
（8岁）|8岁
十周岁|十周岁
年龄：35|35
一岁半|一岁半
构成十级伤残|十级伤残
伤残等级为八级|伤残等级为八级
二级肢体残疾|二级肢体残疾
视力残疾一级|视力残疾一级
轻伤二级|轻伤二级
重伤（二级）|重伤（二级
一处八级、两处十级伤残|一处八级、两处十级伤残
患有慢性粒细胞白血病|慢性粒细胞白血病
诊断为左侧股骨颈骨折、头皮挫裂伤|左侧股骨颈骨折、头皮挫裂伤
因肝癌去世|肝癌
致左眼失明|左眼失明
患帕金森病|帕金森病
尘肺贰期|尘肺贰期
HIV阳性|HIV
测土字第12345号|12345
测林字（2010）第012345号|012345
第003388号土地证|003388
编号为00123的房产证|00123
微信昵称 样例大海|样例大海
微信名“样例甲”、“样例乙”|样例甲;样例乙
抖音号样例说车发布视频|样例说车
网名样例小草的人|样例小草
Birthday: 1985-03-01|1985-03-01
1985年3月1日在测试市医院出生|1985年3月1日
号牌“云”字头、A99K01|A99K01
样例牌B6612T|B6612T
肇事摩托云A9F01|云A9F01
澳门车牌MA-12-34|MA-12-34
卡号以621700开头、以5539结尾|621700;5539
（前六后四：621700……4410）|621700……4410
户尾4位“2290”|2290
扣款卡尾4416|4416
工行卡8899|8899
8899尾号卡|8899
存单NO.00990213|NO.00990213
付至4100 1555 9900 5000 1234|4100 1555 9900 5000 1234
身份号码最后一位为“X”|X
大架后四位7Q01|7Q01
机身铭牌4LZ-8E·T990113|4LZ-8E·T990113
事故车（LTEST21K…9901）|LTEST21K…9901
士兵证字第20080911号|20080911
一级建造师注册编号测141987654321|141987654321
房契“契字第0990柒号”|0990柒
自sample at mail dot example发出|sample at mail dot example
邮箱sample 艾特 example.com|sample 艾特 example.com
邮箱前缀sample_99|sample_99
闲聊账号（字母q加数字）q990077|q990077
（微信） sample_xj|sample_xj
QQ：990012345（样例→风铃）|990012345;样例→风铃
用户“样例_123”|样例_123
头像名Sample.葵|Sample.葵
备注“样例同学”（**样）|样例同学
转给 🌸样例静好🌸（*样）|样例静好
在“样例业主交流群”内|样例业主交流群
链接v.sample.example/abcDEF/|v.sample.example/abcDEF
钱包地址0x12ab34cd56ef7890ab12cd34ef567890ab12cd34|0x12ab34cd56ef7890ab12cd34ef567890ab12cd34
快递单号SF1234567890123|SF1234567890123
云K·挂A221|云K·挂A221
昵称显示为“样例哥”|样例哥
存物柜号012|012
T12椎体压缩性骨折|T12椎体压缩性骨折
右侧第3-6肋骨骨折|右侧第3-6肋骨骨折
精神二级残疾|精神二级残疾
店铺“样例数码专营铺”（淘宝ID：sample99）|样例数码专营铺;sample99
双方共同经营的抖音号样例家的海鲜归被告|样例家的海鲜
快手账号样例农家发布的视频|样例农家
不得再以“一路向北”（抖音sample_99）、QQ123456散布|一路向北;sample_99;123456
在“样例说车”抖音号上道歉|样例说车
名为“一路向北”的微信用户|一路向北
微信依次为sample_1、wxid_8kq2v7、KIM-YING-ya|sample_1;wxid_8kq2v7;KIM-YING-ya
微博用户样例不语发布|样例不语
（微信：样例）|样例
微信零钱（sample_99）|sample_99
以“样例大叔”为头像昵称在微信群发言|样例大叔
斗鱼房间号123456|123456
知乎用户 样例老树 回答|样例老树
WhatsApp：+852 9123 4567|+852 9123 4567
邮箱sample#example.com|sample#example.com
香港永久性居民身份证号码：A123456(7)|A123456(7)
澳门居民身份证1234567(8)|1234567(8)
身份证全号999999X XXXXXXX3242|999999X XXXXXXX3242
身份证后6位060019|060019
尾号139****0000的手机|139****0000
卡号4392 26XX XXXX 7708|4392 26XX XXXX 7708
“3377账户”|3377
手机1 3 8 0 0 0 0 0 0 0 0|1 3 8 0 0 0 0 0 0 0 0
电话(852) 6120 0000|(852) 6120 0000
0999 2000 213|0999 2000 213
结婚证测结字2011第1978号|测结字2011第1978号
道路运输证测交运管字990101000001号|990101000001
测土房（2014）字第08825号|08825
测国用〔2003〕0123号|0123
云A12345、B23456两车|云A12345;B23456
云A*2345|云A*2345
云A临12345|云A临12345
子样小明（二〇一五年六月十九日）、女样小红（2014年6月27日）随父|二〇一五年六月十九日;2014年6月27日
2014年6月27日，双方生育一子|2014年6月27日
出生日期由1985年3月1日变更为1986年3月1日|1985年3月1日;1986年3月1日
52年生人|52年
不满十岁的孩子|十岁
年近七旬|七旬
左腿被打断|左腿被打断
打断两根肋骨|打断两根肋骨
头部缝了七针|头部缝了七针
瘫痪在床|瘫痪在床
生活不能自理|生活不能自理
完全护理依赖|完全护理依赖
构成轻伤一级|轻伤一级
左眼盲目4级|左眼盲目4级
八级、十级伤残各一处|八级、十级伤残各一处
颞下颌关节紊乱|颞下颌关节紊乱
每周透析三次|透析
腰椎第3、4椎体压缩性骨折|腰椎第3、4椎体压缩性骨折
"""
STAYS = """
发生于2019年3月1日的交通事故
2019年3月1日生效
2019年9月生活费1200元
产生于2018年5月的货款
抚养至年满18周岁止
自其十八周岁时
残疾赔偿金69496元
精神病鉴定费1000元
高血压医院
身体健康权纠纷
微信转账3000元
支付宝支付9999元
电话费1200元
手机一部折价2399元
账户内存款50000元
卡内余额300.50元
银行存款12,000元
（2016）云9901民初123号
（2020）云01执恢622200001号
测仲案字第20190622202100013号
测劳人仲案字〔2021〕第118号
（2019）测证执字第62号
测环罚字〔2020〕12号
测国土资执罚〔2019〕12号
测房征决字（2013）第12号
法释〔2020〕17号
《中华人民共和国农村土地承包法》第六十二条
《最高人民法院关于审理民间借贷案件适用法律若干问题的规定》第二十五条
最高人民法院关于适用《中华人民共和国民法典》担保制度的解释
民法典第675条
本金1350000，利息20000
人民币1350000
USD 1,380,000.00
US$118400
13812345678.00元
6222021234567元
1380根钢管
2019年3月1日14时30分
2019-03-01至2020-03-01
2019.03.01-2020.03.01
20190301
二〇一九年三月一日
年利率24%
日万分之五
第一期5000000元
3月15日前支付1500000.00元
三年级二班
一级建造师
二级市场
12级台阶
3.5亩
面积120平方米
房产证一本
房屋一套价值1200000元
土地使用权120平方米
合同编号
iPhone13
编号为3号的房屋
身份证复印件两份
2021年度
99号令
5年期LPR的4倍
建筑面积98.66平方米
单价5,800元/㎡
在其抖音号上发布道歉声明
在微信群内向原告赔礼道歉
微信转账方式支付
通过支付宝账号转账
2019年3月起至孩子上学
男方于2019年3月1日前支付
微信公众号首页连续七日刊登声明
抖音账号归被告所有
支付宝转账备注“还款”
微信中表示“同意”
网店经营所得
楼板断裂
管道破裂
水管断裂
残疾人保障金
东劳人仲院虎门庭案字〔2019〕419号裁决书
测公交认字〔2019〕第0123号事故认定书
国务院令第375号
2018-2019年度
港币200,000元
每平方米26元
日万分之二
1,900立方米
合同号QH-2018-0033
融资合同RZ-2019-0456
型号XY215D
借据号HT2019-00871
300万韩元
GB/T 50500-2013
型号为SK200的挖掘机
超出部分的七成计88,213.4元
“三包”责任
名为“买卖”实为借贷
后6个月租金
自二〇一九年三月一日起
"""


@pytest.mark.parametrize("line", GOES.strip().splitlines())
@pytest.mark.parametrize("around", ["{}", "被告应{}。", "，{}，支付5000元"])
def test_an_identifier_goes_whole_and_an_amount_beside_it_stays(line: str, around: str) -> None:
    words, _, expected = line.partition("|")
    text = around.format(words)
    covered = {position for f in find(text, DEBTOR) for position in range(f.start, f.end)}
    for private in expected.split(";"):
        start = text.index(private)
        assert {i for i in range(start, start + len(private)) if text[i].isalnum()} <= covered, (text, private)
    if "5000元" in around:
        assert covered.isdisjoint(range(text.rindex("5000元"), len(text)))


def test_an_account_that_a_line_break_tears_apart_goes_whole() -> None:
    text = "转入支付宝smp\n0123zfb，备注还款"
    assert "smp\n0123zfb" in [text[f.start : f.end] for f in find(text, DEBTOR)]


@pytest.mark.parametrize("words", STAYS.strip().splitlines())
@pytest.mark.parametrize("around", ["{}", "判令{}，支付5000元。"])
def test_a_figure_that_a_reader_needs_stays(words: str, around: str) -> None:
    text = around.format(words)
    folded = fold(text)
    found = [*find_numbers(folded).taken, *find_facts(folded)]
    assert [text[f.start : f.end] for f in found] == []


@pytest.mark.parametrize(
    ("text", "court"),
    [
        ("不服曲靖市中级人民法院判决", "曲靖市中级人民法院"),
        ("向湛江市廉江市人民法院起诉", "湛江市廉江市人民法院"),
        ("由威宁彝族回族苗族自治县人民法院执行", "威宁彝族回族苗族自治县人民法院"),
        ("依据漯河仲裁委员会裁决", "漯河仲裁委员会"),
        ("经丰台区劳动人事争议仲裁委员会裁决", "丰台区劳动人事争议仲裁委员会"),
        ("河南省漯河市诚信公证处公证书", "河南省漯河市诚信公证处"),
        ("上海金融法院", "上海金融法院"),
        ("郑州铁路运输中级法院", "郑州铁路运输中级法院"),
        ("中国国际经济贸易仲裁委员会裁决", "中国国际经济贸易仲裁委员会"),
        ("召陵区法院", "召陵区法院"),
    ],
)
def test_a_court_is_kept_with_its_place(text: str, court: str) -> None:
    assert court in [text[start:end] for start, end in find_kept_names(text)]


@pytest.mark.parametrize(
    "text",
    ["区佩珊、区佩仪到公证处办理", "王建民(2020)豫1104民初1号", "李长征(2019)豫01执1号", "张三丰申请仲裁委员会裁决"],
)
def test_nobodys_name_is_kept_with_a_court_or_a_case(text: str) -> None:
    kept = [*find_kept_names(text), *find_numbers(text).kept]
    name = {
        position
        for name in ("区佩仪", "王建民", "李长征", "张三丰")
        if name in text
        for position in range(text.index(name), text.index(name) + 3)
    }
    assert name.isdisjoint(position for start, end in kept for position in range(start, end))


@pytest.mark.parametrize("text", ["本院认为", "法院判决", "中院维持"])
def test_a_court_without_a_place_is_nobodys_name(text: str) -> None:
    assert find_kept_names(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l39OOO12345", "13900012345"),
        ("5O,OOO元", "50,000元"),
        ("99O1O1198l0412633X", "99010119810412633X"),
        ("6228 48O0 l234", "6228 4800 1234"),
        ("Hello World", "Hello World"),
        ("E12345678", "E12345678"),
        ("316|9,870.00", "316|9,870.00"),
    ],
)
def test_letters_read_for_figures_are_figures(text: str, expected: str) -> None:
    assert read_misread(text) == expected


UNITS = """
1 1. 1- 12, a a1 A1 * 1* × 1× O1 l a@ a. a@a. ( （2020） (2020)第 第 第1 第1号 1号 字 字第 房字第1 不动产权第 证号1 账号： 账号1 尾号1、 微信“ “ 转账“ 电话1- + 1年 2019年1月 2019.1. 男，
生 1980年1月 《 《法 《法》第一条 一、 二〇 1岁 十 一级、 骨折、 左 左骨折 患左 因 市法院 人民法院 仲裁 公证 云A1 仲字 劳人 万 🌸a 群” (** a.c a1… 合同A 编号1 GB1 脑子受 手脚 (1980.5.6, 1,000 USD 本金1
"""


@pytest.mark.parametrize("unit", [*UNITS.split(), " ", "\n", "\0", "1 ", "* 1", "账号1 "])
def test_hostile_texts_are_read_in_time_proportional_to_their_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * size)[:size]
        started = time.process_time()
        for read in (find_numbers, find_kept_names, find_facts, read_misread):
            read(text)
        return time.process_time() - started

    # Read in quadratic time, 20,000 characters take many seconds.
    assert seconds(20_000) < 2


def assert_goes_whole(number: str, text: str) -> None:
    """Nothing of `number` is left of `text`, and the sum of 5000 beside it stays."""
    covered = {place for f in find(text, DEBTOR) for place in range(f.start, f.end)}
    start = text.index(number)
    assert [c for i, c in enumerate(number) if c.isalnum() and start + i not in covered] == []
    assert text.index("5000") not in covered


@pytest.mark.parametrize(
    "number",
    [
        "990211（1999.12.31）0019",
        "990102|19640815|0417",
        "#990105#19820417#0037#",
        "980207「19740815」0021",
        "990211[19991231]0019",
        "990211（1999年12月31日）0019",
        "990402某某某某某某某某6618",
        "99040219770321661叉",
        "99040219770321661（X）",
        "990211_19991231_0019",
        "990211，19991231，0019",
        "990402某月某日6618",
        "九九零、四零二、一九七七、零三二一、六六一叉",
        "⁹⁹⁰⁴⁰²197703216618",
        "⑨⑨⓪④⓪②①⑨⑦⑦⓪③②①⑥⑥①⑧",
    ],
)
def test_an_id_number_torn_by_signs_goes_whole(number: str) -> None:
    assert_goes_whole(number, f"偿还张虚言（身份证{number}）5000元。")


@pytest.mark.parametrize(
    "plate",
    ["南宁A·7526Z2", "温州 A990217", "苏（E）03K07", "新B23-01拖", "内蒙古05-90217", "兵13-53099", "厂内苏M19109"],
)
def test_a_plate_goes_with_the_words_at_its_edges(plate: str) -> None:
    assert_goes_whole(plate, f"张虚言驾驶车牌{plate}，赔5000元。")
