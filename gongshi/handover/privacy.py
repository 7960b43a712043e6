"""The text for the court's own page on privacy (个人信息保护法 arts. 17, 35; 网络数据安全管理条例 art. 21): what the list's site
says, and beyond it who receives the list and how long what is kept inside is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gongshi.handover.assessment import TO_FILL
from gongshi.handover.model import Facts
from registry.letters.sheet import Block, Paragraph, Sheet, Table, text
from search_index import privacy_words

_TITLE = "失信被执行人名单个人信息保护告知"


def write_privacy(facts: Facts) -> Sheet:
    """The text of this home, as a paper."""
    return Sheet(
        title=_TITLE,
        court=facts.profile.court,
        made_on=facts.day,
        blocks=tuple(_write(facts)),
        head="演练" if facts.profile.training else "",
        foot=f"{facts.profile.court}　{_TITLE}",
        points=14,
    )


def write_markdown(sheet: Sheet) -> str:
    """A paper as Markdown, to be put into a page."""
    parts = [sheet.head] if sheet.head else []
    for block in sheet.blocks:
        match block:
            case Paragraph(text=words, look="title"):
                parts.append(f"# {words}")
            case Paragraph(text=words, look="bold"):
                parts.append(f"## {words}")
            case Paragraph(text=words):
                parts.append(words)
            case Table(rows=rows):
                parts.append(_to_markdown(rows))
    return "\n\n".join(parts) + "\n"


def _to_markdown(rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _write(facts: Facts) -> Iterator[Block]:
    profile = facts.profile
    yield Paragraph(text=_TITLE, look="title", alignment="center")
    yield text(privacy_words.BASIS)
    yield _heading("一、谁在处理")
    yield text(f"{profile.court}。个人信息保护事务联系：{profile.privacy_contact or TO_FILL}。")
    yield text(
        f"地址：{profile.address or TO_FILL}；电话：{profile.telephone or TO_FILL}（{profile.telephone_hours}）。"
    )
    yield _heading("二、被公布的人的信息")
    yield Table(widths=(2, 9), rows=(("事项", "说明"), *privacy_words.LISTED), heading=True)
    yield _heading("三、提供给谁")
    yield text(f"每季度推送名单的单位：{'、'.join(facts.receivers) or '目前没有'}。")
    yield text(f"联合惩戒单位：{'、'.join(facts.units) or '目前没有'}。")
    yield text(f"受托发送消息的服务商：{'、'.join(facts.entrusted) or '目前没有'}。")
    if facts.abroad:
        yield text(
            f"其中在境外的：{'、'.join(facts.abroad)}；接收方的联系方式和行使权利的方式（第三十九条）：{TO_FILL}。"
        )
    yield _heading("四、内部保存多久")
    rows = [(one.title, f"自{one.since}起 {one.days} 天", one.becomes) for one in facts.retention]
    yield Table(widths=(5, 4, 4), rows=(("数据", "保存多久", "届时"), *rows), heading=True)
    yield _heading("五、您的权利")
    yield Table(widths=(4, 9), rows=(("权利", "说明"), *privacy_words.RIGHTS), heading=True)
    where = (
        f"见名单网站 {profile.website} 的“异议与权利”一页"
        if profile.website
        else f"见名单网站的“异议与权利”一页（{TO_FILL}）"
    )
    yield text(
        f"对名单信息的异议、更正和撤下的程序和期限，{where}。也可以向履行个人信息保护职责的部门投诉、举报（第六十五条）。"
    )


def _heading(words: str) -> Paragraph:
    return Paragraph(text=words, look="bold", leads=True, drop=1)
