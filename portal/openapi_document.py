"""An entry as the open API describes it."""

from __future__ import annotations

from portal.parameters import CONDUCT, KINDS
from portal.schema import DAY, MAYBE, MAYBE_DAY, MAYBE_TIME, RECORD, TEXT, TIME, Json, build_object

DOCUMENT: dict[str, tuple[Json, str]] = {
    "record": (RECORD, "公开编号，与个人信息无关"),
    "kind": ({**TEXT, "enum": list(KINDS)}, "自然人或者单位"),
    "name": (TEXT, "姓名或者名称"),
    "latin_name": (MAYBE, "姓名的拉丁字母写法"),
    "gender": (MAYBE, "性别"),
    "age": ({"type": ["integer", "null"]}, "首次公布时的年龄"),
    "id_number": (MAYBE, "遮盖后的公民身份号码"),
    "uscc": (MAYBE, "统一社会信用代码或者组织机构代码"),
    "legal_representative": (MAYBE, "法定代表人或者负责人；本人未被列入"),
    "court": (TEXT, "执行法院"),
    "origin": (MAYBE, "转载自哪个法院的名单；本法院公布的为 null"),
    "region": (MAYBE, "地区"),
    "basis_number": (MAYBE, "执行依据文号"),
    "basis_issuer": (MAYBE, "作出执行依据的单位"),
    "case_number": (MAYBE, "执行案号"),
    "filed_on": (MAYBE_DAY, "立案时间"),
    "obligation": (MAYBE, "生效法律文书确定的义务（隐去第三人信息）"),
    "performance": (TEXT, "履行情况"),
    "performed_part": (MAYBE, "已履行部分"),
    "unperformed_part": (MAYBE, "未履行部分"),
    "conduct": ({"type": "array", "items": {"$ref": "#/components/schemas/Conduct"}}, "失信行为的具体情形"),
    "published_on": (DAY, "公布时间"),
    "term_ends_on": (MAYBE_DAY, "纳入期限届满日"),
    "visible_until": (MAYBE_TIME, "从这一时刻起不再公示；不知道何时结束的为 null"),
    "updated_at": (TIME, "本条信息更新时间"),
}
CONDUCT_SCHEMA: Json = build_object({"code": {**TEXT, "enum": list(CONDUCT)}, "text": TEXT})
