"""list.json and list.csv: the list for machines. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from notifier.package.edition import KIND_LABEL, Edition, to_text, usage_notice, where_the_newest_is
from notifier.package.names import FORMAT
from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.sheets import guard_formula


def build_json(edition: Edition, documents: Sequence[Document]) -> bytes:
    body = {
        **describe_edition(edition),
        "notice": usage_notice(edition),
        "entries": [document.as_json() for document in documents],
    }
    return to_bytes(body)


def read_entries(list_json: bytes) -> list[Document]:
    """The documents of a list.json. Raises KeyError, TypeError or ValueError for anything else."""
    return [Document.from_json(entry) for entry in json.loads(list_json)["entries"]]


def describe_edition(edition: Edition) -> dict[str, Any]:
    """What list.json and the manifest say of the edition."""
    return {
        "format": FORMAT,
        "period": str(edition.period),
        "period_start": edition.period.start.isoformat(),
        "period_end": edition.period.end.isoformat(),
        "revision": edition.revision,
        "sequence": edition.sequence,
        "made_at": edition.made_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "not_to_be_used_after": edition.last_day_of_use.isoformat(),
        "newest_at": edition.profile.website or None,
        "commission_number": edition.commission_number or None,
        "training": edition.profile.training,
    }


def to_bytes(body: Any) -> bytes:
    return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


_COLUMNS: Mapping[str, Callable[[Document], object]] = {
    "公开编号": lambda d: d.record,
    "类型": lambda d: KIND_LABEL[d.kind],
    "姓名或者名称": lambda d: d.name,
    "姓名的拉丁字母写法": lambda d: d.latin_name,
    "性别": lambda d: d.gender,
    "年龄（公布时）": lambda d: d.age,
    "身份证号码（部分遮盖）": lambda d: d.id_number,
    "统一社会信用代码或者组织机构代码": lambda d: d.uscc,
    "法定代表人或者负责人": lambda d: d.legal_representative,
    "执行法院": lambda d: d.court,
    "来源（转载自）": lambda d: d.origin,
    "地区": lambda d: d.region,
    "执行依据文号": lambda d: d.basis_number,
    "作出执行依据单位": lambda d: d.basis_issuer,
    "执行案号": lambda d: d.case_number,
    "立案时间": lambda d: d.filed_on,
    "生效法律文书确定的义务": lambda d: d.obligation,
    "履行情况": lambda d: d.performance,
    "已履行部分": lambda d: d.performed_part,
    "未履行部分": lambda d: d.unperformed_part,
    "失信行为具体情形": lambda d: "；".join(conduct.text for conduct in d.conduct),
    "公布时间": lambda d: d.published_on,
    "纳入期限届满日": lambda d: d.term_ends_on,
    "停止使用时间": lambda d: d.visible_until,
}


def build_csv(edition: Edition, documents: Sequence[Document]) -> bytes:
    """UTF-8 with BOM, CRLF. The headings come first; every row carries the edition, as a table has no title."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    tail = _describe_row(edition)
    writer.writerow(["序号", *_COLUMNS, *tail])
    for number, document in enumerate(documents, start=1):
        cells = [to_text(read(document)) for read in _COLUMNS.values()]
        writer.writerow([guard_formula(cell) for cell in [str(number), *cells, *tail.values()]])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _describe_row(edition: Edition) -> dict[str, str]:
    return {
        "期次": str(edition.period),
        "修订号": str(edition.revision),
        "本名单最后使用日": edition.last_day_of_use.isoformat(),
        "最新名单": where_the_newest_is(edition),
        "性质": "演练数据，不得使用" if edition.profile.training else "正式",
    }
