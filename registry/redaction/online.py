"""Addresses for mail and in the web, and the names under which somebody is known on a platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.trie import any_of, listed
from registry.redaction.vocabulary import Named

PLATFORMS = listed("""
微信 QQ qq Qq VX vx Vx wx WX V信 v信 薇信 威信 WeChat wechat Wechat weixin 扣扣 企鹅 支付宝 支付宝钱包 Alipay alipay 财付通 云闪付 PayPal 抖音 抖店 快手 微博 新浪微博 陌陌
淘宝 天猫 京东 拼多多 闲鱼 旺旺 阿里旺旺 千牛 钉钉 飞书 小红书 知乎 豆瓣 贴吧 百度 今日头条 头条 西瓜视频 火山小视频 火山 哔哩哔哩 B站 bilibili 斗鱼 虎牙 YY 探探 soul Soul
Skype skype Telegram telegram WhatsApp whatsapp Facebook 脸书 推特 Twitter Instagram LINE Line KakaoTalk 视频号 企业微信 微店 网易 美团 饿了么 滴滴 快手极速版 全民K歌 得物 Steam steam
""")
_PLATFORM = any_of(PLATFORMS)

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-*])[A-Za-z0-9._%+\-*]+(?:\n[A-Za-z0-9._%+\-]+)?\s?(?:@|[(\[]at[)\]]|#(?=(?:qq|163|126|sina|gmail)))\s?[A-Za-z0-9\-]+(?:\s?(?:\.|[(\[]dot[)\]])\s?[A-Za-z0-9\-]+)+",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?=&_%#:~+\-]+", re.IGNORECASE)
_MENTION = re.compile(r"@[㐀-鿿A-Za-z0-9_\-]{2,20}")


def find_addresses_online(text: str) -> Iterator[Named]:
    """Addresses for mail and in the web, and who is called upon with @."""
    if "@" in text or "at" in text or "#" in text:
        yield from (Named("email", *match.span(), "high") for match in _EMAIL.finditer(text))
        yield from (Named("social_account", *match.span(), "high") for match in _MENTION.finditer(text))
    if "www" in text or "://" in text:
        yield from (Named("url", *match.span(), "high") for match in _URL.finditer(text))


_TRANSFERRED = re.compile(
    r"(?:转账|转给|转至|转到|转入|汇至|汇给|付给|付至|发给|发送给|红包|添加|好友|联系|用户|主播|群|账号|帐号|空间|论坛|网名)[^“”\"「」，。；\n\0\1]{0,24}[“\"「『【‘](?P<x>[^“”\"「」『』【】‘’，。；：\n\0\1]{1,24})[”\"」』】’]"
    r"|以\s?[“\"「『【‘](?P<y>[^“”\"「」『』【】‘’，。；：\n\0\1]{1,24})[”\"」』】’]\s?(?:的|为)?\s?(?:名义|身份|昵称|网名|账号|帐号|微信|QQ|抖音|快手|微博|用户)"
)
_ONLINE = re.compile(_PLATFORM)
_PLATFORM_QUOTE = re.compile(
    rf"(?:{_PLATFORM})[^“”\"「」，。；：\n\0\1]{{0,14}}[“\"「『【‘](?P<x>[^“”\"「」『』【】‘’，。；：\n\0\1]{{1,24}})[”\"」』】’]"
)
_QUOTE = re.compile(r"[“\"「『【‘]")


def find_nicknames(text: str) -> Iterator[Named]:
    """Names in quotation marks under which somebody pays, writes or is written to on a platform."""
    if not _QUOTE.search(text) or not _ONLINE.search(text):
        return
    for pattern in (_TRANSFERRED, _PLATFORM_QUOTE):
        for match in pattern.finditer(text):
            yield Named("social_account", *match.span(match.lastgroup or 0), "high")
