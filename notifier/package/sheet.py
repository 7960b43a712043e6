"""list.xlsx: the list to read, filter and print. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from notifier.package.edition import Edition, edition_line, title, to_text
from notifier.package.workbook import Sheet, build_workbook, join_lines
from search_index.document import Document


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the sheet: its width (a Han character takes two), and what it shows of an entry."""

    width: int
    read: Callable[[Document], object]


# What the CSV keeps apart stands together here where a reader takes it together: it has to fit on paper.
_COLUMNS: Mapping[str, _Column] = {
    "公开编号": _Column(12, lambda d: d.record),
    "类型": _Column(7, lambda d: "自然人" if d.kind == "person" else "单位"),
    "姓名或者名称": _Column(15, lambda d: d.name),
    "姓名的拉丁字母写法": _Column(11, lambda d: d.latin_name),
    "性别和年龄（公布时）": _Column(8, lambda d: join_lines(d.gender, None if d.age is None else f"{d.age}岁")),
    "身份证号码（部分遮盖）或者统一社会信用代码": _Column(20, lambda d: d.id_number or d.uscc),
    "法定代表人（本人不因此被列入）": _Column(13, lambda d: d.legal_representative),
    "执行法院、地区和来源": _Column(15, lambda d: join_lines(d.court, d.region, d.origin and f"转载自{d.origin}")),
    "执行案号和立案时间": _Column(15, lambda d: join_lines(d.case_number, to_text(d.filed_on))),
    "执行依据文号和作出单位": _Column(15, lambda d: join_lines(d.basis_number, d.basis_issuer)),
    "生效法律文书确定的义务": _Column(34, lambda d: d.obligation),
    "履行情况": _Column(15, lambda d: join_lines(d.performance, d.performed_part, d.unperformed_part)),
    "失信行为具体情形": _Column(17, lambda d: join_lines(*(conduct.text for conduct in d.conduct))),
    "公布时间": _Column(11, lambda d: d.published_on),
    "纳入期限届满日": _Column(11, lambda d: d.term_ends_on),
    "停止使用时间": _Column(11, lambda d: d.visible_until),
}


def build_xlsx(edition: Edition, documents: Sequence[Document]) -> bytes:
    """A sheet to read, filter and print (A4 landscape, as wide as the page), every cell of type text."""
    sheet = Sheet(
        name="名单",
        title=title(edition),
        line=edition_line(edition, len(documents)),
        columns={"序号": 6, **{heading: column.width for heading, column in _COLUMNS.items()}},
        rows=[_build_cells(number, document) for number, document in enumerate(documents, start=1)],
    )
    return build_workbook(edition, title(edition), [sheet])


def _build_cells(number: int, document: Document) -> list[str]:
    return [str(number), *(to_text(column.read(document)) for column in _COLUMNS.values())]
