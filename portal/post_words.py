"""Texts about the list that the court may post as they are (微博, 微信): figures, where to look, what rights there are. No
name, no number of a case. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.presentation import moment
from search_index.counting import Counts
from search_index.profile import Profile

MOST_IN_WEIBO = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A text for one place; `key` names its field."""

    key: str
    title: str
    text: str


def build_posts(counts: Counts, profile: Profile, public_url: str, now: datetime) -> tuple[Post, ...]:
    """The texts, with the figures of `counts` at `now`. `public_url` is the address of the site."""
    return (
        Post(key="weibo", title="微博", text=build_weibo(counts, profile, public_url)),
        Post(key="wechat", title="微信", text=build_wechat(counts, profile, public_url, now)),
    )


def build_weibo(counts: Counts, profile: Profile, public_url: str) -> str:
    """At most MOST_IN_WEIBO characters: what does not fit is left out, from the least needed; never the figure, the
    address, and that the same name is not the same person."""
    court = profile.court or "本院"
    parts = [
        f"{court}现公示失信被执行人信息{counts.entries}条。",
        _tell_month(counts),
        "免费查询，以查询时为准：",
        f"{public_url}/ ",
        "同名不等于同一人。",
        "认为有误的，可以申请纠正。",
    ]
    # Where even that is too much, the court's own account says which court it is.
    shorter = [f"现公示失信被执行人信息{counts.entries}条。", "", "", parts[3], parts[4], ""]
    for left_out in ((), (1,), (1, 5), (1, 2, 5)):
        text = "".join(part for number, part in enumerate(parts) if number not in left_out)
        if len(text) <= MOST_IN_WEIBO:
            return text
    return "".join(shorter)


def build_wechat(counts: Counts, profile: Profile, public_url: str, now: datetime) -> str:
    """A text of several lines."""
    kinds = dict(counts.values["kind"])
    kind_line = f"其中自然人{kinds.get('person', 0)}条，法人或者其他组织{kinds.get('organisation', 0)}条。"
    lines = [
        f"{profile.court or '本院'}失信被执行人名单情况",
        "",
        f"截至{moment(now)}，现公示失信被执行人信息{counts.entries}条。{kind_line if counts.entries else ''}",
        _tell_month(counts),
        "",
        f"查询名单（免费，不用登录）：{public_url}/",
        f"是不是我：{public_url}/check",
        f"异议与权利：{public_url}/rights",
        "",
        "姓名相同不等于同一个人。名单会变动，以查询时的结果为准；信息不再公示的，应当停止传播并删除。",
        "认为不应列入、信息有误或者应当删除的，可以向执行法院申请纠正。",
        f"联系电话：{profile.telephone}" if profile.telephone else "",
    ]
    text = "\n".join(lines).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _tell_month(counts: Counts) -> str:
    """What happened in the last month that is over; in the present one as long as there is no other."""
    if not counts.months:
        return ""
    is_over = len(counts.months) > 1
    last = counts.months[-2 if is_over else -1]
    return f"{last.first.year}年{last.first.month}月{'' if is_over else '至今'}公布{last.published}条、撤下{last.departed}条。"
