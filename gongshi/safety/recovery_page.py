"""The page of a recovery key that is printed and kept on paper. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gongshi.safety.recovery_keys import Shares

_COLUMNS = 3
_WIDTH = 14


def compose_pages(words: Sequence[str], shares: Shares, *, court: str, made_on: str, fingerprint: str) -> list[str]:
    """One page for each share, with numbered words."""
    return [
        _compose(text.split(), place, shares, court=court, made_on=made_on, fingerprint=fingerprint)
        for place, text in enumerate(words, start=1)
    ]


def _compose(words: Sequence[str], place: int, shares: Shares, *, court: str, made_on: str, fingerprint: str) -> str:
    if shares.made == 1:
        title, use = "", "凭这一页即可打开全部备份：请放进保险柜，不要与备份放在一处。"
    else:
        title = f"（第 {place} 份，共 {shares.made} 份）"
        use = f"任意 {shares.needed} 份合起来即可打开全部备份：请由不同的人分开保管，不要与备份放在一处。"
    cells = [f"{number:>2}. {word:<{_WIDTH}}" for number, word in enumerate(words, start=1)]
    starts = range(0, len(cells), _COLUMNS)
    lines = ["    " + "".join(cells[start : start + _COLUMNS]).rstrip() for start in starts]
    return "\n".join(
        (
            "─" * 60,
            f"公示系统　备份恢复钥匙{title}",
            f"法院：{court}",
            f"制作日期：{made_on}",
            f"指纹：{fingerprint}",
            "",
            *lines,
            "",
            use,
            "请用打印机打印或者用笔抄写，逐词核对；不要拍照，不要存入电脑、手机、邮箱。",
            "核对：gongshi recovery confirm　　恢复：gongshi restore 备份文件",
            "─" * 60,
        )
    )
