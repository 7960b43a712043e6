"""What is said to the account, and what is answered. Pure: the list is asked through `Listing`, nothing is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from notifier.wechat import wording
from notifier.wechat.messages import Joined, Message, Pressed, Said, Scanned, Unhandled
from search_index.document import Document
from search_index.page import Head, Page, Query
from search_index.profile import Profile
from search_index.query import read_question
from search_index.question import Meaning


class Listing(Protocol):
    """The public list, as search_index.register.Register answers."""

    def search(self, query: Query, now: datetime) -> Page:
        """One page of the answer."""

    def newest(self, now: datetime, limit: int) -> list[Document]:
        """The entries published last."""

    def head(self, now: datetime) -> Head:
        """The state of the list."""

    def profile(self, now: datetime) -> Profile:
        """The court's profile."""


# What a follower may follow: the digest of the whole list, or that of a district.
DIGEST = "digest"
_DISTRICT = "district:"


def district_topic(district: str) -> str:
    """The topic of a district's digest."""
    return f"{_DISTRICT}{district}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """A follower asks for a digest."""

    follower: str
    topic: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfollow:
    """A follower wants nothing more, or follows the account no longer (`has_left`): all that is kept of them goes."""

    follower: str
    at: datetime
    has_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said, empty where nothing is, and what must be written down before it is said."""

    text: str
    change: Follow | Unfollow | None = None


SILENCE = Answer(text="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Answers followers out of the list. `public_url` is the address of the portal, or empty.

    Raises what the list raises where it cannot be read.
    """

    listing: Listing
    public_url: str

    def answer(self, message: Message, now: datetime) -> Answer:
        """What is answered to `message` at `now`."""
        match message:
            case Said(text=text, is_voice=is_voice):
                return self._answer_words(message, text, is_voice=is_voice, now=now)
            case Pressed(button=button):
                return self._answer_button(message, button, now)
            case Scanned(scene=scene):
                return self._answer_scene(scene, now) or Answer(text=wording.HELP)
            case Joined(scene=scene):
                return self._answer_scene(scene or "", now) or self._welcome(now)
            case Unhandled(is_spoken=True):
                return Answer(text=wording.NOT_READ)
            case _:
                return SILENCE

    def _answer_words(self, message: Said, text: str, *, is_voice: bool, now: datetime) -> Answer:
        words = text.strip(_EDGES)
        if not words:
            return Answer(text=wording.NOT_HEARD if is_voice else wording.NOT_READ)
        if command := _COMMANDS.get(words.upper()):
            return self._carry_out(command, message, now)
        if asked := _FOLLOW.fullmatch(words):
            return self._follow_district(message, asked[1].strip(_EDGES), now)
        return Answer(text=self._search(words, now))

    def _answer_button(self, message: Pressed, button: str, now: datetime) -> Answer:
        if button in _COMMANDS.values():
            return self._carry_out(button, message, now)
        return self._answer_scene(button, now) or Answer(text=wording.HELP)

    def _answer_scene(self, scene: str, now: datetime) -> Answer | None:
        """The answer to the QR code or the button of a district; None where it is none."""
        district = scene.removeprefix(_DISTRICT).strip() if scene.startswith(_DISTRICT) else ""
        if not 0 < len(district) <= _MOST_DISTRICT:
            return None
        page = self.listing.search(Query(region=district, sort="newest"), now)
        return Answer(text=wording.tell_district(district, page, self._site))

    def _carry_out(self, command: str, message: Said | Pressed, now: datetime) -> Answer:
        match command:
            case "newest":
                newest = self.listing.newest(now, wording.SHOWN)
                return Answer(text=wording.tell_newest(newest, self.listing.head(now), self._site))
            case "statistics":
                return Answer(text=wording.tell_statistics(self.listing.search(Query(facets=True), now)))
            case "follow":
                change = Follow(follower=message.follower, topic=DIGEST, at=message.at)
                return Answer(text=wording.tell_followed(None), change=change)
            case "unfollow":
                return Answer(text=wording.UNFOLLOWED, change=Unfollow(follower=message.follower, at=message.at))
            case _:
                return Answer(text=wording.HELP)

    def _follow_district(self, message: Said, wanted: str, now: datetime) -> Answer:
        if wanted in _WHOLE_LIST:
            return self._carry_out("follow", message, now)
        if len(wanted) > _MOST_DISTRICT or not self.listing.search(Query(region=wanted), now).total:
            # 关注 is also how a name can begin.
            page = self.listing.search(Query(text=message.text, namesakes=True), now)
            found = wording.tell_found(message.text, page, self._site) if page.total else wording.NOT_FOLLOWED
            return Answer(text=found)
        change = Follow(follower=message.follower, topic=district_topic(wanted), at=message.at)
        return Answer(text=wording.tell_followed(wanted), change=change)

    def _search(self, words: str, now: datetime) -> str:
        question = read_question(words)
        if question.meaning is Meaning.REFUSED:
            return wording.tell_refused(question.reading, self._site)
        page = self.listing.search(Query(text=words, namesakes=True), now)
        return wording.tell_found(words, page, self._site) if page.hits else wording.tell_nothing(words, page)

    def _welcome(self, now: datetime) -> Answer:
        return Answer(text=wording.tell_welcome(self.listing.profile(now).court))

    @property
    def _site(self) -> wording.Site:
        return wording.Site(address=self.public_url.rstrip("/"))


_EDGES = " \t\r\n\u3000，。！？；：、,.!?;:…“”\"'‘’「」"
_MOST_DISTRICT = 20
_COMMANDS = {
    word: command
    for command, words in {
        "help": "帮助 幫助 幫忙 帮忙 说明 使用说明 菜单 你好 您好 HELP MENU",
        "follow": "订阅 訂閱 关注 订阅简报 SUBSCRIBE",
        "unfollow": "退订 退訂 取消订阅 取消訂閱 取消关注 不再接收 TD T STOP UNSUBSCRIBE",
        "newest": "最新 最新公布 最近公布 NEW",
        "statistics": "统计 統計 总数 STATS",
    }.items()
    for word in words.split()
}
_FOLLOW = re.compile(r"(?:订阅|訂閱|关注|關注|跟踪|盯住)[\s:：，,]*(.+)", re.DOTALL)
_WHOLE_LIST = frozenset({"简报", "季度简报", "名单", "名单简报", "失信被执行人名单", "全部"})


def build_menu(public_url: str, districts: tuple[str, ...] = ()) -> dict[str, Any]:
    """The menu of the account, for `client.menu.create`: at most three buttons of at most five below each. `districts`
    (at most five) become buttons under 地区, in the place of 订阅."""
    site = public_url.rstrip("/")
    search = [{"type": "view", "name": "打开查询网站", "url": site}] if site else []
    listed = [*search, _button("最新公布", "newest"), _button("名单统计", "statistics"), _button("使用说明", "help")]
    following = [_button("订阅简报", "follow"), _button("退订", "unfollow")]
    buttons: list[dict[str, Any]] = [{"name": "查询", "sub_button": listed}, {"name": "简报", "sub_button": following}]
    if districts:
        places = [_button(name[:_MOST_BUTTON], district_topic(name)) for name in districts[:5]]
        buttons.append({"name": "地区", "sub_button": places})
    return {"button": buttons}


_MOST_BUTTON = 8


def _button(name: str, key: str) -> dict[str, str]:
    return {"type": "click", "name": name, "key": key}
