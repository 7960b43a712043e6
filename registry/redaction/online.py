"""Addresses for mail and in the web, and the names under which somebody is known on a platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.trie import any_of, listed
from registry.redaction.vocabulary import ROLES, Named

PLATFORMS = listed("""
微信 QQ qq Qq VX vx Vx wx WX V信 v信 薇信 威信 WeChat wechat Wechat weixin 扣扣 企鹅 支付宝 支付宝钱包 Alipay alipay 财付通 云闪付 翼支付 PayPal paypal 抖音 抖音极速版 抖店 抖音小店 快手 快手小店 微博 新浪微博 腾讯微博 陌陌
淘宝 天猫 京东 拼多多 闲鱼 咸鱼 转转 旺旺 阿里旺旺 千牛 阿里巴巴 唯品会 苏宁易购 钉钉 飞书 小红书 知乎 豆瓣 贴吧 百度贴吧 百度 百度网盘 百家号 加V 加v 加VX 加vx 加Vx 加微 加微信 加薇 加薇信 加扣 加扣扣 +V 今日头条 头条 头条号 西瓜视频 火山小视频 火山 哔哩哔哩 B站 b站 bilibili 斗鱼 虎牙 YY 企鹅号 搜狐号 网易号 大鱼号
探探 soul Soul 喜马拉雅 荔枝 映客 花椒 优酷 爱奇艺 腾讯视频 秒拍 美拍 Skype skype Telegram telegram 电报 蝙蝠 WhatsApp whatsapp Facebook facebook 脸书 推特 Twitter twitter Instagram instagram LINE Line KakaoTalk TikTok tiktok YouTube youtube Discord 领英 LinkedIn
视频号 公众号 微信公众号 微信视频号 小程序 企业微信 微店 有赞 FB 绿泡泡 加他微 加她微 加其微 加我微 v: V: v： V： 微: 微： Q: Q： q: q： Vx： 网易 网易云音乐 美团 大众点评 饿了么 携程 滴滴 快手极速版 全民K歌 唱吧 得物 Steam steam 王者荣耀 和平精英 币安 火币 欧易 TG tg Zoom zoom 腾讯会议 58同城 货拉拉 闲聊 多闪 微视 咪咕 INS Ins ins Viber Signal Twitch 虎扑 汽车之家 懂车帝 安居客 贝壳 马蜂窝 比心 番茄小说 好看视频 网易云 酷狗 酷我 QQ音乐 QQ空间 空间号 朋友圈号
""")
"""Where somebody has an account and a name of his own choice."""
NICK_WORDS = listed("""
直播间 用户名 登录名 登陆名 会员名 会员昵称 昵称 网名 网络名 网络昵称 用户昵称 群名 群名称 群昵称 群名片 群聊名 群聊名称 直播间名 直播间名称 直播名 主播名 主播昵称 账号名 账号名称 账户昵称 账号昵称 帐号名 帐号名称 帐号昵称 店铺名 店铺名称 网店名 网店名称 网店店名 店名为 店名叫
频道名 频道名称 公众号名称 粉丝名 粉丝昵称 买家昵称 卖家昵称 微信名 微信名称 旺旺名 游戏名 游戏昵称 游戏角色名 角色名 角色名称 角色昵称 备注名 艺名 笔名 网友名 ID名 ID名称 商户名 头像昵称 QQ区 微信区 网友 名号 头像名 头像名称 头像昵称 备注名称 备注名为 网络昵称 直播昵称 论坛名 社区昵称 个人昵称 对方昵称 收款昵称 付款昵称 转账昵称 自称网名 马甲名 角色昵称 队名 战队名 店名叫做 店铺昵称 群备注 群备注名 好友备注
""")
"""What such a name is called."""
NUMBER_WORDS = listed(
    "会议号 会议ID 频道号 频道ID 店铺号 店铺ID 网店ID 主播ID 主播号 账户ID 账号ID 帐号ID openid OpenID unionid 群号 群号码 房间号 直播间号 直播间ID 商户号 游戏账号 游戏帐号 游戏ID 数字ID 会员ID 用户ID 买家ID 卖家ID 登录账号"
)
"""What the number of such an account is called."""

_PLATFORM = any_of(PLATFORMS)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-*#])[A-Za-z0-9._%+\-*#]+(?:(?:[\n ][A-Za-z0-9._%+\-]+(?=\s?@))?\s?(?:@|[(\[]at[)\]]|艾特|圈a|#(?=[A-Za-z0-9\-]{2,16}\.(?:com|cn|net|org)))\s?[A-Za-z0-9\-]+(?:\s?(?:\.|[(\[]dot[)\]]|\sdot\s|点|[,，。·](?=\s?(?:com|cn|net|org|edu|gov)(?![A-Za-z])))\s?[A-Za-z0-9\-]+)+"
    r"|\s(?:at|AT)\s[A-Za-z0-9\-]+(?:\s(?:dot|DOT)\s[A-Za-z0-9\-]+)+)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?=&_%#:~+\-]+", re.IGNORECASE)


def find_addresses_online(text: str) -> Iterator[Named]:
    """Addresses for mail and in the web, and who is called upon with @."""
    if "@" in text or "at" in text or "#" in text or "艾特" in text or "圈" in text or "AT" in text:
        yield from (Named("email", *match.span(), "high") for match in _EMAIL.finditer(text))
        yield from (Named("social_account", *match.span(), "high") for match in _MENTION.finditer(text))
    if "www" in text or "://" in text:
        yield from (Named("url", *match.span(), "high") for match in _URL.finditer(text))
    if any(end in text for end in (".c", ".n", ".o", ".t", ".v", ".x", ".m", ".i", ".s", ".e")):
        yield from (Named("url", *match.span(), "high") for match in _HOST.finditer(text))


_OPEN, _CLOSE = "“\"「『【‘'", "”\"」』】’'"
_QUOTED = rf"[{_OPEN}](?P<x>[^“”\"「」『』【】‘’《》。；\n\0\1]{{1,24}})[{_CLOSE}]"
_QUOTE = re.compile(rf"[{_OPEN}]")
# What is done with an account, and what else stands behind the word for it: none of it is its name.
NO_NAME = any_of(
    listed("""
上 中 内 里 下 外 间 的 了 和 与 及 以及 并 并且 或 或者 且 但 等 均 都 所 为 是 系 被 由 予以 已 已经 曾 经 将 应 应当 须 需 可 可以 不 不得 未 无 在 于 向 对 从 自 至 给 归 其 该 此 各 双方 原告 被告
发 发布 发送 发表 发给 直播 公开 停 停用 停止 删 删除 道歉 赔礼 赔偿 连续 置顶 进行 进入 使用 使用权 所有 所有权 运营 经营 管理 权 绑定 注册 注销 实名 认证 登录 登陆 封 封禁 冻结 解封 解绑 密码 头像 片 首页 主页 页面 平台 余额 零钱 钱包 红包
转 转账 转给 转让 付 付款 支付 收 收款 收到 支取 提现 充值 消费 账单 流水 明细 记录 聊天 截图 语音 视频 通话 送达 通知 联系 备注 同号 同步 扫码 方式 客服 群发 群内 群里 群主 群成员 群聊 群众 好友 用户 名下 期间 时 后 场景 画面 卖货 带货 切片 回放 前 一个 一名 两个 三个 个 及其 之 同 有
朋友圈 小程序 公众 粉丝 打赏 作品 文章 推文 图文 推送 笔记 评论 动态 橱窗 主播 内容 侵权 涉案 案涉 上述 有关 相关 相应 任何 他人 本人 自己 对方 就是 即为 看不清 不详 不明 不清 未知 相同 一致 变更 修改 显示 号 账号 帐号 账户 帐户 名 昵称 网名 中国 网络 含 包括 以下 下同 退还 返还 归还 交付 交还 刊登 登载 澄清 消除 恢复
""")
)
# Where a name of one's own choice that stands in no quotation marks is over.
_NAME_ENDS = rf"""(?:[^\w\-·~*.]|\d[\d,.]*(?:元|万)|$
    |的?(?:{_PLATFORM}|用户|账号|帐号|账户|主播|店铺|网店|好友|网友|网名|昵称|粉丝|视频|作品|直播|微信|群聊|名义|身份)|的(?:人|{ROLES}|侵|使|经|运|所|管|权|内|名|头)
    |归|发布|发表|发送|发给|使用|转账|支付|收款|付款|名下|所有|之人|退出|添加|加入|辱骂|诽谤|销售|出售|购买|公开|经营|运营
    |[在于向与和及对给由被将把从等](?:{ROLES}|{_PLATFORM}|网|群|平台|其|该|本|他|她|双方|[\d\0\1])|(?:应|应当|不得|停止|赔偿|道歉|已经|进行))"""
SOCIAL_VALUE = rf"""(?<=[“"「『‘'【])[^“”"「」『』‘’【】。；\n\0\1]{{1,24}}(?=[”"」』’'】])
    |\+\d[\d\s\-]{{6,17}}\d
    |(?=[A-Za-z0-9_.\-]*[A-Za-z0-9])[A-Za-z0-9_\-][A-Za-z0-9_.\-]{{3,39}}(?:\s{{1,2}}(?!\d[\d,]*(?:\.\d+)?\s?(?:元|万|美|港|亿|块|%))[A-Za-z0-9_.\-]+){{0,2}}(?:@[A-Za-z0-9.\-]+)?
    |\d(?:\s\d){{4,14}}(?!\d)
    |(?<=[:：])[^\s，。；：、,;:()“”"「」\0\1]{{2,20}}(?=[，。；、,;)\s]|$)
    |(?<=[(])(?!{NO_NAME})[^()，。；：、\n\0\1]{{2,20}}(?=[)])(?![)][^，。；]{{0,14}}(?:公司|集团|商行|店))
    |(?:(?<=[号Dd户主播])|(?<=[号Dd户主播]\s))(?!{NO_NAME})[\w\-·~*.]{{2,14}}?(?={_NAME_ENDS})"""
"""A verbose pattern of an account of a platform, where it is matched: a number, or a name in quotation marks or behind 号."""
NICK_VALUE = rf"""(?<=[“"「『‘'《【])[^“”"「」『』‘’'《》【】。；\n\0\1]{{1,24}}(?=[”"」』’'》】])
    |(?<=[:：])[^，。；、,;()“”"「」\n\0\1]{{1,24}}?(?=[，。；、,;()]|的(?:人|用|账|微|抖|快|群|网|好)|$)
    |(?=[A-Za-z0-9_.\-]*[A-Za-z0-9])[A-Za-z0-9_\-.@]{{2,40}}(?![\w.\-”"」』])
    |(?!{NO_NAME})[^\s，。；：、,;:()“”"「」\0\1]{{1,16}}?(?={_NAME_ENDS})"""
"""A verbose pattern of a name of one's own choice, where it is matched."""
# A site without http: sample.example.com/abc.
_HOST = re.compile(
    r"[A-Za-z0-9](?<![A-Za-z0-9@.\-_].)[A-Za-z0-9\-]*(?:\.[A-Za-z0-9\-]+){0,4}\.(?:com|cn|net|org|top|cc|vip|xyz|me|io|shop|example)(?:/[A-Za-z0-9./?=&_%#~+\-]*)?(?![A-Za-z0-9])"
)
_MENTION = re.compile(
    rf"@(?:[A-Za-z0-9_.\-]{{2,30}}(?![㐀-鿿A-Za-z0-9_\-])|[㐀-鿿A-Za-z0-9_\-]{{2,20}}?(?=所发|所[转评]|{_NAME_ENDS})|[㐀-鿿A-Za-z0-9_\-]{{2,20}})",
    re.VERBOSE,
)

# Behind these a quotation is what was said or written, and nobody's name.
_SAID = any_of(
    listed("""
附言 注明 写明 写着 写道 写下 载明 记载 标注 标明 显示 留言 回复 回答 答复 答应 承诺 保证 承认 表示 称 声称 自称 说 说过 告知 通知 询问 提出 约定 确认 明确 要求 催 催要 催促 内容 字样 标题 话题 文案 摘要 用途 发送 发出 发布 发表 散布 传播 转发 刊登 直播 播放 演唱 辱骂 骂 威胁 诽谤 指责 评论
评价 的言论 文字 语音 文章 作品 视频 图片 照片 相册 日志 说说 动态 笔记 帖子 歌曲 歌词 表情 信息 消息 聊天记录 订购 购买 销售 出售 推销 商品 产品 商标 标识 品牌 服务费 货款 工资 还款 项目 理财 投资 字号 关键词 搜索 签名 条款 协议
""")
)
_ACCOUNT_WORD = r"(?:账号|帐号|账户|号|昵称|网名|用户名?|名称?|ID|id|UID|群聊?|公众号|视频号|直播间|主播|店铺|网店|小店|橱窗|频道|好友|联系人|空间|粉丝|买家|卖家|会员)"
_SAID_BEFORE = re.compile(rf"(?:{_SAID}|备注(?!名))(?:(?!{_ACCOUNT_WORD})[^“”\"「」。；，]){{0,6}}$")
_HEADED = re.compile(
    rf"""(?:{_PLATFORM})[^“”\"「」，。；：\n\0\1]{{0,14}}[:：]?\s?{_QUOTED}
    |(?:账号|帐号|网名|昵称|用户|主播|博主|群主|UP主|up主|播主|楼主|团长|群聊?|店铺|网店|小店|商铺|直播间|频道|网友|好友|买家|卖家|会员|收款码|二维码|(?:游戏|网络)?角色|(?<![A-Za-z])U?ID|论坛|空间|化名|艺名|马甲|小号|粉丝)
        (?:名称?|昵称|为|是|叫|系|均|号|[:：]|\s|[(](?:以下|下)?简称[^()]{{1,6}}[)]){{0,4}}{_QUOTED.replace("?P<x>", "?P<y>")}""",
    re.VERBOSE,
)
_FOLLOWED = re.compile(
    rf"""{_QUOTED}\s?(?:
    [(]\s?(?:{_PLATFORM})(?!转|支付|付款|收款|聊天|截图|记录)
    |的?(?:{_PLATFORM})(?:平台|APP|app)?(?:的|上的)?{_ACCOUNT_WORD}(?![称众体])
    |(?:的|为|作为|这一|等|的?微信|为头像|为微信|为网络)?(?:昵称|网名|账号|帐号|用户名?|直播间|主播|网店|微信|QQ|抖音号?|公众号|视频号|群聊?(?![众体殴主])|网友|ID(?![A-Za-z])|马甲|(?:微信|QQ)?群(?![众体殴主])|在(?:直播间?|微信群|群[里内聊])(?!出售|销售|推销|购买|兜售)|账号|帐号)
    |[(,，]?\s?(?:即|就是|实为|真名|实名|本名|真实姓名|实际使用人)(?!可|时|将|付|行|日|应)
    |(?:的|为)?(?:名义|身份)(?=.{{0,12}}(?:{_PLATFORM}|网|群|直播)))""",
    re.VERBOSE,
)
_TRANSFERRED = re.compile(
    rf"(?:转账|转给|转至|转到|转入|汇至|汇给|付给|付至|发给|发送给|红包|扫码|添加|联系|向|给|名为|名称为|叫)[^“”\"「」，。；\n\0\1]{{0,24}}{_QUOTED}"
    rf"|(?:名为|叫做|昵称为)(?P<z>[\w\-.]{{2,20}})的(?:{_PLATFORM})(?![一-龥]{{0,2}}公司)"
    rf"|以\s?{_QUOTED.replace('?P<x>', '?P<y>')}\s?(?:的|为)?\s?(?:名义|身份)"
)
_ONLINE = re.compile(
    any_of(
        [
            *PLATFORMS,
            *listed(
                "网名 昵称 账号 帐号 主播 博主 网店 店铺 小店 网友 用户 粉丝 平台 群聊 群里 群内 群主 的群 公众号 直播 买家 卖家 收款 二维码 游戏 角色 网络 论坛 群” 群」 群’ ”群 」群 转给 备注 头像 ID"
            ),
        ]
    )
)
_BRACKETED = re.compile(rf"(?:[(](?:{_PLATFORM})|(?:收款码|二维码)[(])(?!{NO_NAME})(?P<x>[㐀-鿿][\w\-·]{{1,10}})[)]")
_WXID = re.compile(r"wxid_[A-Za-z0-9]{4,30}")
_PICTURE = "\U0001f000-\U0001faff\u2600-\u27bf\u2b50♡♪"
# “样例花园群”, 转给 样例花 (*小花), 🌸样例🌸: what is quoted is called a group, has a masked holder, or is drawn around.
_CHOSEN = re.compile(
    rf"""[“"「『‘](?P<x>[^“”"「」『』‘’《》。；，\n\0\1]{{1,22}}群)[”"」』’]
    |[“"「『‘](?P<y>(?=[^“”"「」『』‘’]{{0,23}}[{_PICTURE}])[^“”"「」『』‘’。；\n\0\1]{{1,24}})[”"」』’]
    |(?:[“"「『‘]|(?<=[给至到向:：为叫\s]))(?P<z>[^\s“”"「」『』‘’《》()。；，、:：\n\0\1]{{1,20}})[”"」』’]?\s?(?=[(]\s?\*{{1,3}}[一-龥])
    |[{_PICTURE}]{{1,3}}(?P<w>[\w·~]{{1,16}})(?=[{_PICTURE}])""",
    re.VERBOSE,
)
_CHOSEN_HINT = re.compile(rf"群[”\"」』’]|[(]\s?\*|[{_PICTURE}]")
# ID：nf_2020, and no letters inside a longer word.
_ID = re.compile(
    r"(?<![A-Za-z])(?:U?ID|(?<=Apple\s)ID|iCloud)(?:名|号|账号)?\s?[:：为是]{0,2}\s?(?P<x>(?=[A-Za-z_.\-@]*\d|[A-Za-z]{0,20}[_@])[A-Za-z0-9_.\-@]{4,40}|(?<=[:：为是])[^\s，。；：、,;:()“”\"「」\0\1]{2,16}(?=[，。；、,;)]|$))"
)


def find_nicknames(text: str) -> Iterator[Named]:
    """Names in quotation marks or brackets under which somebody pays, writes or is written to on a platform."""
    if "ID" in text or "Cloud" in text:
        yield from (Named("social_account", *match.span("x"), "high") for match in _ID.finditer(text))
    if "wxid_" in text:
        yield from (Named("social_account", *match.span(), "high") for match in _WXID.finditer(text))
    if _CHOSEN_HINT.search(text):
        yield from _find_quoted(text, (_CHOSEN,))
    if not _ONLINE.search(text):
        return
    if "(" in text:
        yield from (Named("social_account", *match.span("x"), "high") for match in _BRACKETED.finditer(text))
    if _QUOTE.search(text):
        yield from _find_quoted(text, (_HEADED, _FOLLOWED, _TRANSFERRED))


def _find_quoted(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[Named]:
    found: set[int] = set()
    for pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span(match.lastgroup or 0)
            said = match.lastgroup != "z" and _SAID_BEFORE.search(text[max(0, start - 15) : start - 1])
            if start not in found and not said:
                found.add(start)
                yield Named("social_account", start, end, "high")
