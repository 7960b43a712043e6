"""The terms under which the list may be used: where they are written, and in one sentence what those of reading in bulk
(search_index/reader_terms.py) come to."""

from __future__ import annotations

from portal.site import get_profile, get_site

# Policy B24, art. 四(二)7: no profit; 河南省社会信用条例 art. 42: one working day.
TERMS = (
    "免费；不得用于营利活动；信息不再公示的，应当在一个工作日内停止使用、删除并确认；不得用来重新识别个人；"
    "姓名相同不等于同一个人"
)


def get_license() -> str:
    """The address of the terms: `meta.license` of every answer."""
    return f"{get_site().settings.public_url}/about#terms"


def tell_training() -> dict[str, bool]:
    """What every answer to a machine holds in a home for training, and no real one ever does."""
    return {"training": True} if get_profile().training else {}
