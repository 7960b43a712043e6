"""The whole list as CSV, made from the JSON text of the documents as it is read. Pure.

Most documents are read by one pattern that knows exactly how the store writes them; what differs in any way, or holds what a
spreadsheet might run, is read as JSON and guarded. Both give the same row.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from hashlib import sha256
from typing import Any

from portal.bulk_files import Rows, build_bulk_entry
from portal.parameters import KINDS
from search_index.document import Document
from search_index.sheets import guard_formula

BOM = b"\xef\xbb\xbf"
END = "#END"

_HEADINGS: Mapping[str, str] = {
    "record": "公开编号",
    "kind": "类型",
    "name": "姓名或者名称",
    "latin_name": "姓名的拉丁字母写法",
    "gender": "性别",
    "age": "年龄（公布时）",
    "uscc": "统一社会信用代码或者组织机构代码",
    "legal_representative": "法定代表人或者负责人",
    "court": "执行法院",
    "origin": "转载自",
    "region": "地区",
    "basis_number": "执行依据文号",
    "basis_issuer": "作出执行依据单位",
    "case_number": "执行案号",
    "filed_on": "立案时间",
    "obligation": "生效法律文书确定的义务",
    "performance": "履行情况",
    "performed_part": "已履行部分",
    "unperformed_part": "未履行部分",
    "conduct": "失信行为具体情形",
    "published_on": "公布时间",
    "term_ends_on": "纳入期限届满日",
    "visible_until": "停止使用时间",
    "updated_at": "本条信息更新时间",
}
_NUMBER = "序号"
# A text without anything escaped in it, that no spreadsheet takes for a formula.
_HARMLESS = r'"(?! *[=+\-@＝＋－＠])([^"\\]*)"'
_SHAPES = {
    "age": r"(?:null|([0-9]+))",
    "id_number": r'(?:null|"[^"\\]*")',
    "conduct": r'\[((?:\{"code":"[a-z_]+","text":"[^"\\=+\-@＝＋－＠]*"\},?)*)\]',
}
_USUAL = re.compile(
    r"\{" + ",".join(f'"{f.name}":{_SHAPES.get(f.name, f"(?:null|{_HARMLESS})")}' for f in fields(Document)) + r"\}"
)
_TEXT = re.compile(r'"text":"([^"]*)"')
_KIND, _CONDUCT = (list(_HEADINGS).index(name) for name in ("kind", "conduct"))


def write_csv(tail: Mapping[str, str], chunks: Iterable[Rows]) -> Iterator[bytes]:
    """UTF-8 with BOM, CRLF. The headings come first; every row ends with the values of `tail` under its names; the last line
    counts the rows and says the SHA-256 of every byte before it. What reading `chunks` raises goes through, so that the
    last line is missing."""
    headings = [_NUMBER, *_HEADINGS.values(), *tail]
    first = BOM + f"{','.join(headings)}\r\n".encode()
    ends = _quote(list(tail.values()))
    digest, count = sha256(first), 0
    yield first
    for rows in chunks:
        lines = [f"{number},{_write_row(body)},{ends}\r\n" for number, (_, body) in enumerate(rows, count + 1)]
        part = "".join(lines).encode()
        digest.update(part)
        count += len(rows)
        yield part
    yield f"{END},{count},{digest.hexdigest()}{',' * (len(headings) - 3)}\r\n".encode()


def _write_row(body: str) -> str:
    usual = _USUAL.fullmatch(body)
    if usual is None:
        return _quote(_read_cells(body))
    cells = list(usual.groups(""))
    cells[_KIND] = KINDS[cells[_KIND]]
    cells[_CONDUCT] = _join_conduct(cells[_CONDUCT])
    # None of them holds a quotation mark.
    return '"{}"'.format('","'.join(cells))


def _read_cells(body: str) -> list[str]:
    entry = build_bulk_entry(json.loads(body))
    entry["kind"] = KINDS[entry["kind"]]
    entry["conduct"] = "；".join(one["text"] for one in entry["conduct"])
    return [guard_formula("" if entry[key] is None else str(entry[key])) for key in _HEADINGS]


@lru_cache(maxsize=256)
def _join_conduct(text: str) -> str:
    return "；".join(_TEXT.findall(text))


def _quote(cells: list[Any]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return file.getvalue()
