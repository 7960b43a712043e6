"""Addresses below the county (法释〔2016〕19号 art. 10, 11); the county itself stays. Pure.

An address is a row of parts (town, road, estate, building, room, plot). It is looked for where a region ends, after words
such as 住所地, and around parts that nothing but an address has; from there it is read to the left and to the right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.layout import find_open_bracket, read_unbroken
from registry.redaction.vocabulary import HAN, ROLES, Named, words

# Where a region ends: what stays. 区 of a housing estate, of an industrial zone or of a campus is none.
_NO_COUNTY = "小社园库校片街厂宅活置属舍墅能作税工验理假景贸心聚业发范新开漠湖禁灾疫两各本该原辖地全跨一二三四五六七八九十A-Za-z0-9"
_REGION_ENDS = rf"""
省(?<=[{HAN}]省)(?![道府委级内外略力去])
(?:区|州|县|旗)(?<=自治.)
区(?<=特别行政区)
区(?<=[{HAN}]地区)(?<![本该全各两]地区)
区(?:(?<=浦东新区)|(?<=滨海新区)|(?<=神农架林区))
盟(?<=[{HAN}]{{2}}盟)(?![友主约员])
州(?<=(?:甘孜|阿坝|凉山|红河|文山|大理|德宏|怒江|迪庆|楚雄|临夏|甘南|海北|海南|海西|黄南|果洛|玉树|昌吉|伊犁|恩施|湘西|黔南|延边|东南|西南|版纳)州)
市(?<=[{HAN}]市)(?<![门超夜上股菜闹楼全本该我]市)(?<![^{HAN}]城市)(?<![路街号村镇][城都]市)(?![场政民府委值容级内价面区])
县(?<=[{HAN}]县)(?<![各本该全两]县)(?![城府委医前直衙域级政])
区(?<=[{HAN}]区)(?<![^{HAN}][东西南北中]区)(?<![小生][{HAN}]区)(?<![{_NO_COUNTY}]区)(?<![号路段栋楼期苑园城里坊村庄门街寓][东西南北中]区)(?![间域别分块位)])
旗(?<=[{HAN}]{{2}}旗)(?<![红国军]旗)(?![舰袍帜下])
兵团(?=第)
"""
_REGION_END = f"(?:{'|'.join(_REGION_ENDS.split())})"

_SURE_ANCHOR = """
住址 住所地 住所 地址 户籍所在地 户籍地址 户籍地 户籍 现住址 现住 现居住地 居住地 经常居住地 常住地 住地 家住 居住于 居住在 暂住 租住 租住于 寄住 住在 住于 住处 坐落位置
位于 位於 坐落于 坐落在 坐落 座落于 座落在 座落 地处 处于 收件地 收货地 收货地址 送货地址 送达地址 交货地点 交货地 交付地点 安装地点 装修地点 施工地点 工程地点 服务地点 经营地址 经营场所 经营地
办公地址 办公地 注册地 注册地址 通讯地址 通信地址 邮寄地址 联系地址 房屋地址 房产地址 不动产坐落 土地坐落 停放于 停放在 存放于 存放在 安装于 安装在 安葬于 安葬在 埋葬于 堆放于 堆放在 搭建于 搭建在
建于 建在 设于 设在 开设于 开设在 四至 种植于 种植在 寄至 寄往 寄到 邮寄至 送至 送到 运至 运到 交至 迁至 迁往 搬至 搬到 迁入 落户
"""
_AFTER_ANCHOR = r"\s{0,2}[:：]?\s{0,2}[是为在于即(（“\"]?\s?"
_ANCHORS = [
    f"{pattern}{_AFTER_ANCHOR}"
    for pattern in (
        *sorted(_SURE_ANCHOR.split(), key=len, reverse=True),
        "住(?<![居暂租寄入给让可留常]住)(?![院宅房户宿所])",
        "住宅[:：]",
        "土地在",
        "房屋在",
        "承包地在",
        "地点",
    )
]
_ANCHOR = f"(?:{'|'.join(_ANCHORS)})"

# What an address cannot hold: where it begins after, and where it ends before.
_STOP_WORDS = words("""
支付 偿还 归还 返还 退还 给付 赔偿 交付 交还 交回 移交 腾退 腾空 腾出 搬离 搬出 迁出 拆除 清除 清理 办理 协助 配合 停止 排除 恢复 过户 变更 登记 承担 负担 履行 拖欠 尚欠 下欠 购买
出售 出租 承租 租赁 抵押 查封 扣押 冻结 拍卖 变卖 处置 继承 分割 占有 占用 使用 侵占 安装 装修 维修 修复 修缮 更换 赔付 退赔 退回 收回 返工 开发的 开发建设 承建 承包 施工 建设的 建造 搭建
所有 享有 共有 名下 面积 价值 折价 作价 产权 权属 归属 属于 房产 房屋 土地使用 承包经营 宅基地使用 不动产 上述 涉案 案涉 诉争 争议 以及 并且 并应 应当 应于 应在 应向 应支 应将 应由 应按 应协
可以 如果 逾期 自愿 同意 共同 连带 分别 各自 依法 依照 按照 根据 判决 裁定 调解 原告 被告 申请 被执行 第三人 案外 上诉 双方 联系电话 电话 手机 身份证 公民身份 邮编 统一社会 法定代表 性别 汉族 男 女
经营者 收件人 收货人 户名 账号 开户 拆迁 安置房 商品房 存量房 抵押权 优先 受偿 价款 租金 房租 货款 借款 工程款 水费 电费 物业费 经营的 所建 所在 内的 下的 上的 里的 漏水 渗水 造成 导致 受损 损坏 损失 楼下 楼上住户 签订 过程 住院 治疗 就诊 缴纳 贷款 寄存 代管 作出 做出 课间 烟酒款 餐费 直接 减免 上演 土地承包 承包费 管理费 社会保险 社保
""")
_STOP_LETTERS = (
    r"[的由被其至到对系是等把欠诉给该此且或须需及]|将(?![军台])|在(?![园田])|从(?![化台江])|向(?![阳前荣日]|上(?!海)|[东西南北](?:路|街|村|巷|大道|大街|里|社区|小区))|为(?!民)|以(?![东西南北外内])"
    r"|和(?![平谐顺睦美信众润泰兴合盛丰田义园苑庄村乐硕静煦雅悦瑞镇乡路街巷里社])|与(?![你时山])|于(?![庄家洪都集楼营桥湾沟堡寨坡店田各里])|并(?!州)|因(?!民)|已|未(?![来央])|不(?!夜)|归(?![德仁元心]处?)|共(?=[同计有需\d\0])"
)
_STOP = rf"(?:{_STOP_WORDS}|{_STOP_LETTERS})"
_L = rf"(?:(?!{_STOP})[{HAN}A-Za-z“”\"'‘’「」·])"

_TOWN = words(
    "街道办事处 街道办 街道 办事处 民族乡 镇 乡 苏木 民族苏木 团场 农场 林场 牧场 渔场 茶场 果园场 良种场 原种场 分场 总场 垦区"
)
_ZONE = words("""
工业园区 工业园 工业区 工业集中区 产业园区 产业园 产业集聚区 集聚区 科技园 科技园区 科创园 创业园 软件园 物流园 物流园区 食品工业园 开发区 高新区 高新技术产业开发区 经济技术开发区 经济开发区 经开区 保税区 示范区 新区
管理区 度假区 风景区 景区 园区 片区 校区 厂区 库区 矿区 林区 牧区 生活区 住宅区 家属区 宿舍区 别墅区 商业区 商务区 安置区 功能区 合作区 实验区 试验区
""")
_VILLAGE = words("""
村委会 村民委员会 行政村 自然村 中心村 移民新村 居委会 村民小组 村民组 生产队 大队 小队 村 社区 嘎查 浩特 艾里 屯 寨 庄 庄子 营子 窝棚 窝堡 堡子 堡 沟 湾 岗 坡 铺 台 洼 坪 塘 冲 坳 岭 集 店 营 窑 坝 垸 圩 埠
埔 厝 浜 泾 渡 墩 坊 畈 垄 塬 峪 峁 崖 圪 疃 夼 埝 荡 港 涌 围 墟 社 连队 牧业点 夏牧场 冬牧场 阿吾勒 孜 巴扎 队 组 里 园
""")
_ROAD = words(
    "大道 大街 马路 公路 国道 省道 县道 高速 环路 路 街 巷 弄 里弄 支弄 胡同 条 道 径 坊 里 街坊 步行街 商业街 小街 夹道 直街 横街 横路 后街 前街 正街 老街"
)
_ESTATE = words("""
小区 花园 家园 花苑 新村 公寓 大厦 大楼 家属院 家属楼 嘉园 名苑 名园 名邸 名都 名城 名门 雅苑 雅居 雅园 佳苑 佳园 华庭 华府 华苑 豪庭 豪苑 豪园 豪城 新城 新苑 新居 新天地 广场 商城 商厦 市场 庄园 山庄 别墅 公馆 官邸 府邸 国际 国际城
中心 天地 世家 世纪城 半岛 江南 江山 门第 御景 御园 御府 美景 美域 美苑 美墅 水岸 水郡 水城 水苑 湾 城 府 苑 园 庭 居 郡 墅 邸 轩 阁 台 院 里 座 铭著 首府 领地 领秀 观邸 学府 书院 上城 香榭 春天 阳光 花都 花城 花语 花溪 丽景 丽苑 丽都 锦城 锦苑
嘉苑 嘉城 康城 康居 康桥 福邸 福苑 绿洲 绿苑 绿城 金街 商贸城 建材城 家具城 服装城 五金城 汽配城 批发城 购物中心 商业中心 商住楼 综合楼 住宅楼 宿舍楼 教学楼 办公楼 写字楼 大院 楼盘 安置小区 安置点 安居房 廉租房 公租房 经适房
""")
_D = r"(?:\d{1,5}|[一二三四五六七八九十百零〇○两]{1,6}|[甲乙丙丁戊己庚]|[A-Za-z]{1,3}\d{0,5})"
_NUMBER = rf"(?:第|附|负|地下|[东西南北新老前后上下]|[A-Za-z]{{1,2}})?\s?{_D}(?:\s?[-~/－]\s?[\dA-Za-z]{{1,5}}){{0,3}}"
_UNIT = words("""
号 号院 号楼 号房 号铺 号商铺 号门面房 号门面 号门市 号门市房 号营业房 号底商 号车位 号车库 号停车位 号地下室 号储藏室 号摊位 号摊 号档口 号铺位 号厂房 号仓库 号仓 号库 号地 号地块 号宗地 号大院 号宿舍 号别墅 号塔楼
栋 幢 座 棟 楼 层 樓 室 单元 門 门 户 组 队 社 弄 支弄 铺 间 排 区 期 组团 园 苑 院 厅 铺位 摊位 档 档口 柜台 号柜台 委 车位 车库 库 仓 仓库 厂房 营业房 村民组 村民小组 小组 生产队 生产小组 小队 连 团 营 分场 作业区 地块 街 路 巷 条 段 标段 房 楼房
街区 街坊 村 屯 里 台 甲 号线旁 分区 编号 舍 隔间 单间 门牌 门牌号 公里 公里处 米 米处 级 排房 平房 间房 间门面 间门面房
""")
_HOUSE = (
    # 房屋三间 is a quantity.
    rf"(?!(?<=[屋房铺库宅棚面窑地])[\d一二三四五六七八九十两]{{1,2}}(?:间|套|处|栋|幢|座|层|个|户|孔|排)(?![\dA-Z]))(?>{_NUMBER}\s?(?:{_UNIT}|[\#](?:楼|栋|院)?)内?)"
    r"(?:\s?附\s?\d{1,3}\s?号?|(?<=号)之[一二三四五六七八九十\d]{1,2}(?:\d{1,4}房?)?|(?<=[层门楼栋幢座元區区])[A-Za-z]?\d{1,5}[A-Za-z]?(?:-[A-Za-z]?\d{1,5}){0,3}"
    r"(?![-A-Za-z\d.,％%元万年平㎡亩米号层楼栋幢座单室户组门间巷弄路街]))?"
)
_ROOM_NUMBER = r"(?<![\d-])[A-Za-z]?\d{1,4}[A-Za-z\#]?(?:\s?-\s?[A-Za-z]?\d{1,5}){1,4}(?:室|号|户)?"
_SIDE = r"[东西南北中前后左右上下内外]"
_SPOT = rf"""(?>(?:村|庄|屯|队|组|路|街|门|口|以)?{_SIDE}{{1,2}}(?:侧|段|头|边|角|岸|坡|沟|岗|洼|畔|口|门|首|隅|户|户型|厢|区|院|方|部|面|街|巷|河滩地?|荒地|岗地|坡地|洼地|滩地|菜地|地|河|塘|湖|山|梁|场|园|约?(?:\d{{1,4}}|{_D}{{1,3}})(?:米|公里|里)处?)
    |(?:中段|路口|街口|大街口|村道|村道旁|道旁|入口处?|出口处?|门口|桥下|立交桥下|桥头|村口|巷口|交叉口|交会处|交汇处|交叉处|交界处|交口|十字路口|丁字路口|三岔口|口|旁边?|附近|对面|对过|斜对面|隔壁|沿线|沿街|临街|临路|路边|街边|河边|渠边|塘边|沟边|山脚|山下|桥头|桥边|河滩地?|河畔|江畔|湖畔|海边|院内|楼上|楼下|顶层|底层|顶楼|一楼|处|畔)
    |(?:地下|地上|负)\s?{_D}?\s?(?:层|楼)?)"""
_OBJECT = words("""
门面房 门面 门市房 门市 商铺 铺面 铺位 店面 店铺 摊位 档口 柜台 底商 营业房 厂区 厂房 车间 仓库 冷库 库房 车库 车位 停车位 停车场 地下室 储藏室 储藏间 杂物间 阁楼 平房 楼房 瓦房 老宅 老屋 老屋场 屋场 院落 宅院 大院 宿舍 教学楼 家属院 家属楼
林地 荒地 荒坡 荒山 滩涂 沙滩 砂场 石场 采石场 砖厂 渔塘 山场 果园 茶园 菜园 大棚 晒场 场院 祖坟 墓地 公墓 陵园
""")
_BUILDING = rf"(?={_NUMBER}\s?(?:号(?!线)|[栋幢座棟期院区排]|单元|楼|层|[\#])|\d{{1,3}}[A-Za-z\#]?\s?-\s?[A-Za-z]?\d)"
_JOIN = rf"(?:\s{{0,2}}|、(?={_NUMBER}\s?(?:{_UNIT}|[\#])|{_ROOM_NUMBER})|[,，](?=\d{{1,4}}(?:号|室|栋|幢|单元)))"
_CROSSED = rf"{_L}{{1,8}}?(?:{_ROAD})(?:[东西南北中]段)?\s?[与和及、/]\s?{_L}{{1,8}}?(?:{_ROAD})"
_HIGHWAY = rf"(?:(?:国道|省道|县道|乡道|高速)[A-Z]?\d{{2,4}}|[GSXY]\d{{2,4}}|\d{{3}}(?:国道|省道|县道|乡道))(?:线|公路|高速)?(?:[与和](?:(?:国道|省道|县道)?[A-Z]?\d{{2,4}}线?|{_L}{{1,8}}?(?:{_ROAD})))?"
_NAMED_PART = rf"{_L}{{0,10}}?(?:{_TOWN}|{_ZONE}|{_VILLAGE}|{_ROAD}|{_ESTATE})(?![{HAN}]?[款费息权])"
_PART = rf"(?>{_JOIN}(?:{_HIGHWAY}|{_CROSSED}|{_ROOM_NUMBER}|{_HOUSE}|{_SPOT}|(?<!小组)(?<!委员会){_OBJECT}|{_NAMED_PART}|{_L}{{1,14}}?{_BUILDING}|{_L}{{1,6}}?(?={_SIDE}(?:侧|边|岸|头|面|段|坡))|{_L}{{0,10}}\([{HAN}A-Z\d]{{1,8}}\)(?={_NUMBER})))"
# A plot, an estate or a shop without any known ending, up to where the address must end.
_REST = rf"""(?:(?<![司局院学行店厅府社站所])(?<!委员会)(?<!委会)(?<!小学|中学)(?<!小组)(?<!中心|剧院|超市|农场|林场){_L}{{1,7}}(?=[^{HAN}A-Za-z0-9]|$|{_STOP}|宅基地|承包地|耕地|土地|地块|林地|鱼塘|水塘|草场|山场|果园|排水沟|房屋|房产|住房|厂房|砖))?"""
_BODY = re.compile(rf"{_PART}++{_REST}(?:\((?:原|现|旧|老|又名|即|小名)[^()\0\1]{{2,15}}\))?", re.VERBOSE)

_COUNTED = r"[\dA-Za-z一二三四五六七八九十]"
# What an address alone has, each from its first letter that is no figure.
# What stands on a piece of land, or the land itself: a name before it says where.
_PROPERTY = words("""
房屋 房产 住房 住宅 楼房 平房 瓦房 砖房 门面 商铺 店铺 铺面 店面 厂房 仓库 车库 车位 土地 承包地 责任田 责任地 林地 耕地 水田 旱地 田地 菜地 宅基地 草场 草牧场 牧场 草原 鱼塘 水塘 池塘 山林 林权 林木 自留地 自留山 荒山 荒地
果园 茶园 大棚 院落 老宅 宅院 院子 四合院 违建 违法建筑 违章建筑 建筑物 构筑物 围墙 加油站 停车场 沙场 砂场 养殖场 别墅 公寓 地块 办公室 写字楼 摊位 柜台 祖坟 坟地 墓地 河道 水渠 排水沟 一套 两套 一处
""")
_NEAR = rf"(?={_PROPERTY}|的{_PROPERTY}|的\0|\0)"
_CORES = rf"""
号(?<={_COUNTED}号)(?:楼|院|房|铺|商铺|门面|门市|车位|车库|厂房|摊|档|柜|仓|地块|地下|储藏|营业|底商|别墅|停车|柱|桩|塔|[\#])
(?:幢|栋|棟)(?<={_COUNTED}.)
单元(?<={_COUNTED}单元)
室(?<=\d室)(?![内外])
座(?<=[A-Z\d]座)
层(?<={_COUNTED}层)[A-Z]?-?\d{{2,4}}
排(?<=\d排)\d{{1,4}}号
-(?<=[\dA-Za-z#]-)[A-Za-z]?\d{{1,3}}-\d{{1,5}}(?![\d-])
-(?:(?<=[{HAN}]\d-)|(?<=[{HAN}]\d\d-))\d{{3,4}}(?![\d-]|[年月日元万亿%.])
-(?<=[A-Z]-)\d{{2,4}}号
-(?<=[A-Z]\d-)\d{{1,4}}(?![\d-])
自编\d{{1,4}}
(?:场|团){_D}(?:连|队)
(?:对面|对过|斜对面|院内|后院)
(?:侧|角)(?<=[东西南北].)
站(?=[东西南北](?:\d|侧|广场|边))
(?:路|弄|巷|街|里)\d{{1,4}}(?:弄|支弄|巷|院|村)
村(?=[{HAN}]{{1,7}}?[地田洼滩坪嘴坑湾岗池]{_NEAR})
村(?=[{HAN}]{{1,7}}?[地田洼滩坪嘴坑湾岗池](?:$|[^{HAN}]))
路(?=[{HAN}]{{2,5}}院内)
\#(?<=\d\#)(?:楼|栋|、)
(?:路|街|道|巷|弄|里|坊|线|段|条|胡同)(?:[东西南北中]段?)?[甲乙丙丁附]?\d{{1,5}}(?:-\d{{1,3}})?号(?!线)
(?:路|街|胡同)(?:[东西南北中]{{1,2}}[段侧]|[与和]{_L}{{1,8}}?(?:路|街|大道|线)|交[叉汇会界]|路口|口{_NEAR})
道(?<=大道)(?:[东西南北中]{{1,2}}[段侧]|[与和]{_L}{{1,8}}?(?:路|街|大道)|交[叉汇会界])
(?:国道|省道|县道|乡道)(?:[A-Z]?\d{{2,4}}|[东西南北]侧|(?<=\d..))
(?:镇|乡|街道|街道办|苏木)(?=[{HAN}]{{1,7}}?(?:村|社区|嘎查|屯|庄|组|路|街|园|队|委会|号|寨))
(?:村|屯|庄|社区|大队|寨)(?:第?{_D}(?:村民|组|队|社|号)|[东西南北]{{1,2}}(?:头|边|侧|地|角|[{HAN}]{{1,3}}地)|村[东西南北]|(?=[{HAN}]{{1,5}}(?:组|屯|队|湾|冲|坪|坳)(?!织|成|合)))
(?:路|街|巷|胡同|村|屯|寨|庄|沟|坳|坪|湾|岗|坡|洼|滩|岭|冲|塘|坝|坝子|岩|组|小区|花园|家园|花苑|新村|公寓|大厦|家属院|家属区|嘉园|名苑|雅苑|佳苑|华庭|豪庭|华府|公馆|广场|商城|新城|苑){_NEAR}
(?:组|委|队)(?<={_COUNTED}.)(?:\d{{1,4}}号|第?{_D}组)
委(?:第?{_D}组)
地下(?:{_D}层)?(?:车位|车库)[A-Z\d]
车位[A-Z]?\d
嘎查
团{_D}连
门[东西南北]侧
(?:路|街|河|渠|铁路|大道)以[东西南北]
高速(?:公路)?(?:[东西南北出入]|收费站|服务区)
(?:村|屯|庄|寨)(?=[{HAN}]{{0,6}}?(?:[东西南北前后][侧边面头坡山岸沟洼湾岗地]|后山|前山|甸子|老坟|坟地|门前|门口|附近|旁))
(?:水库|河|渠|沟|湖|塘|堤|山|林|站|校|学|院|场|厂)(?=[东西南北][侧岸边面])
楼(?<=\d楼)[A-Z]?\d
号(?:(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十]号)|(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十]{{2}}号))
号(?:(?<=[{HAN}]\d号)(?<![第证编字票单同型批序账线]\d号)|(?<=[{HAN}]\d\d号)(?<![第证编字票单同型批序账线]\d\d号)|(?<=[{HAN}]\d{{3}}号)(?<![第证编字票单同型批序账线]\d{{3}}号))(?=的?{_PROPERTY}|$|[^{HAN}A-Za-z0-9\0\1]|的|归|交|作|过|变|就|漏|享|内|院)
间(?<={_COUNTED}间)(?:门面|商铺|铺面|临街|店面|门市)
"""
_KINDS = (("region", _REGION_ENDS.split()), ("anchor", _ANCHORS), ("core", _CORES.split()))


def _first_letters(pattern: str) -> str:
    """The letters with which a match of one of these patterns begins."""
    group = re.match(r"\(\?:([^()?]+)\)", pattern)
    return "".join(word.lstrip("\\")[0] for word in (group[1].split("|") if group else [pattern]))


def _build_triggers() -> dict[str, re.Pattern[str]]:
    """By its first letter, what shows that an address stands there; a pattern of everything would be tried everywhere."""
    patterns: dict[str, dict[str, list[str]]] = {}
    for kind, alternatives in _KINDS:
        for pattern in alternatives:
            for letter in _first_letters(pattern):
                patterns.setdefault(letter, {}).setdefault(kind, []).append(pattern)
    return {
        letter: re.compile("|".join(f"(?P<{kind}>{'|'.join(those)})" for kind, those in kinds.items()))
        for letter, kinds in patterns.items()
    }


_TRIGGERS = _build_triggers()
_LETTER = re.compile(f"[{re.escape(''.join(_TRIGGERS))}]")
_PLACED = re.compile(
    r"位[于於]|[坐座]落|地处|家住|现住|住址|住所地|户籍|地址|(?:堆放|存放|停放|安葬|埋葬|搭建|种植)[于在]"
)
_UNKNOWN = re.compile(rf"(?!于|在|同|该|本|原|被|一)(?>{_L}{{2,10}})(?=的|[^{HAN}A-Za-z0-9\0\1]|$)", re.VERBOSE)
_CHAIN = re.compile(
    rf"(?:(?![路街村号楼巷弄栋幢室住在将的]|位于|坐落|[镇乡][{HAN}]{{2}})[{HAN}\s]){{1,16}}?{_REGION_END}", re.VERBOSE
)
_RUN = re.compile(rf"[{HAN}A-Za-z\d\s“”\"'·\#()-]{{1,40}}")
_CUT = re.compile(
    rf"(?:{ROLES})(?![民数身们师]|委员|小组|组|镇|乡|村|路|街|巷|楼|户|畔|公寓|宿舍|新村|家属|文化|之家|住宅|大厦|小区)|{_ANCHOR}|{_REGION_END}|(?![与和及](?<=[路街道巷][与和及])){_STOP}|[\n]",
    re.VERBOSE,
)
_BLANK = re.compile(r"\s+")
# 区 of a market or a village is no county.
_ZONE_BEFORE = re.compile(
    rf"(?:市场|商城|广场|(?<![市省州盟县])(?:[镇乡村街号楼栋幢]|路(?![桥南北])))[{HAN}]{{1,4}}区$"
)
_GENERIC = re.compile(
    r"""(?:该|本|此|各|同|全|外|某|他人|自有|自己|双方|共有|共同|个人|他|她|我|你|非法|违法|违章|出租|承租|承包|相关|有关|全部|部分|一套|两套|开发|国土|农用|建设|商业|工业|家庭|私有|公有|集体所有|居住|租赁|买卖|转让|抵押|查封|流转|集中|退耕还|生活|本院|执行局|农|乡|集|城|小|新|老|原|沿|上述|涉案|一条|住宅|所在|当地|附近|相邻|邻|人民|国有|集体|\d+米|\d+|[一二三两]|[东西南北])*(?:道路|公路|铁路|线路|网络|电路|管路|水路|思路|出路|套路|半路|马路|村|镇|乡|街|路|道|小区|园|院|里
    |乡镇|城镇|集镇|农村|乡村|村镇|街道|社区|广场|市场|商城|大厦|公寓|楼|楼房|厂房|商铺|车位|车库|仓库|门面房|门面|平房|果园|大棚|商品房|期|层|间|户|排|组|队|房|库|台|店|处|口|旁|旁边|附近|隔壁|楼上|楼下|村民小组|村委会|居委会|中心|国际|阳光|农村集体土地|集体土地|农村土地|土地|林地|荒地|祖坟|车间|店铺|院内|[东西南北]{1,2}[侧边面角]|后院)""",
    re.VERBOSE,
)


def find_addresses(text: str) -> Iterator[Named]:
    """Addresses below the county or district; the county itself stays."""
    return read_unbroken(_find_addresses, text)


def _find_addresses(text: str) -> Iterator[Named]:
    end = 0
    for letter in _LETTER.finditer(text):
        if letter.start() < end:
            continue
        trigger = _TRIGGERS[letter[0]].match(text, letter.start())
        if trigger is None:
            continue
        span = _read(text, trigger, end)
        if span and _is_place(text, *span):
            end = span[1]
            sure = trigger.lastgroup != "region" or any(c.isdigit() for c in text[span[0] : end])
            yield Named("address", *span, "high" if sure else "low")


def _read(text: str, trigger: re.Match[str], floor: int) -> tuple[int, int] | None:
    if trigger.lastgroup == "core":
        return _read_around(text, trigger.start(), trigger.end(), floor)
    start = trigger.end()
    if trigger.lastgroup == "region" and _ZONE_BEFORE.search(text, max(0, start - 8), start):
        return None
    if _CHAIN.match(text, start):
        return None
    span = _read_from(text, start)
    if span is None and trigger.lastgroup == "anchor" and _PLACED.match(trigger[0]):
        return _read_unknown(text, start)
    return span


def _read_from(text: str, start: int) -> tuple[int, int] | None:
    blank = _BLANK.match(text, start)
    start = blank.end() if blank else start
    body = _BODY.match(text, start)
    return body.span() if body else None


def _read_unknown(text: str, start: int) -> tuple[int, int] | None:
    """What stands after 位于 or the like without any part that is known: up to where an address must end."""
    rest = _UNKNOWN.match(text, start)
    return rest.span() if rest else None


def _read_around(text: str, start: int, end: int, floor: int) -> tuple[int, int] | None:
    """From the last word before the core that no address holds, to where the parts end."""
    run = _RUN.match(text[max(floor, start - 40) : start][::-1])
    begin = start - run.end() if run else start
    # A cut looks at what follows it: 工人 of 工人新村 is none.
    ahead = text[begin : start + 6]
    cuts = [m for m in _CUT.finditer(ahead) if m.end() <= start - begin and not _ZONE_BEFORE.search(ahead[: m.end()])]
    first = begin + max((m.end() for m in cuts), default=0)
    first = max(first, begin + find_open_bracket(text[begin:start]))
    while first < start and text[first].isspace():
        first += 1
    body = _BODY.match(text, first)
    if body and body.end() >= end:
        return body.span()
    rest = _BODY.match(text, end)
    return first, rest.end() if rest else end


def _is_place(text: str, start: int, end: int) -> bool:
    place = text[start:end]
    # 城关镇 before what was kept is the head of a court's name.
    if len(place) < 6 and text.startswith("\0", end) and not any(c.isdigit() for c in place):
        return False
    return len(place) > 1 and not _GENERIC.fullmatch(place) and not _CLAUSE.match(place)


_CLAUSE = re.compile(r"第?[一二三四五六七八九十\d]+(?:项|条|款|号|期|组)$")
