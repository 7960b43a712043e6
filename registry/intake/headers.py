"""The column titles that courts, provinces and other systems use, as data."""

from __future__ import annotations

from registry.intake.build import LABELS

# Beside each key, and each title of LABELS. `number` holds an identity number or a USCC; `organisation_code` is read
# where `uscc` is blank (before 2015 there was nothing else); `status` says whether the row is a publication.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "kind": ("类型", "当事人类型", "被执行人类型", "失信被执行人类型", "主体性质", "主体类别", "partyTypeName"),
    "name": (
        "姓名", "名称", "姓名/名称", "名称/姓名", "姓名或者名称", "被执行人", "被执行人姓名", "被执行人名称", "被执行人姓名/名称",
        "被执行人姓名或名称", "失信被执行人", "失信被执行人姓名", "失信被执行人名称", "失信被执行人姓名/名称",
        "失信被执行人姓名或名称", "主体名称", "企业名称", "单位名称", "姓名/企业名", "姓名/企业名称", "iname",
    ),
    "latin_name": (
        "拉丁字母姓名", "姓名拉丁字母写法", "姓名(拉丁字母)", "姓名(拉丁字母写法)", "姓名的拉丁字母写法", "拉丁字母拼写", "拉丁字母转写",
    ),
    "id_number": ("身份证号", "身份证", "身份证件号码", "身份证件号", "居民身份证号码", "公民身份号码", "公民身份证号码"),
    "uscc": ("社会信用代码", "统一信用代码", "信用代码"),
    "organisation_code": ("组织机构代码", "组织机构代码证号", "机构代码"),
    "number": (
        "证件号码", "证件号", "证照号码", "脱敏证件号码", "证件号/组织机构代码", "证件号码/组织机构代码",
        "身份证号码/组织机构代码", "身份证号/组织机构代码", "身份证号码/统一社会信用代码", "身份证号/统一社会信用代码",
        "证件号码/统一社会信用代码", "身份证号码或统一社会信用代码", "身份证号码或组织机构代码", "cardNum",
    ),
    "gender": ("sexy",),
    "birth_date": ("出生年月日", "生日"),
    "legal_representative": (
        "法定代表人姓名", "法定代表人或负责人", "法定代表人或者负责人", "法定代表人/负责人", "法定代表人或负责人姓名",
        "法定代表人或者负责人姓名", "法定代表人(负责人)", "负责人", "法人代表", "businessEntity",
    ),
    "court": ("执行法院名称", "承办法院", "法院", "法院名称", "立案法院", "courtName"),
    "region": ("地域名称", "地区", "省份", "所属地区", "区域", "areaName"),
    "case_number": ("案号", "执行案件案号", "案件号", "caseCode"),
    "filed_on": ("立案日期", "执行立案时间", "执行立案日期", "regDate"),
    "basis_number": ("执行依据", "依据文号", "执行依据案号", "生效法律文书文号", "生效法律文书号", "执行依据编号", "gistId"),
    "basis_issuer": (
        "作出执行依据单位", "执行依据制作单位", "做出执行依据单位", "作出执行依据的单位", "做出执行依据的单位", "制作单位",
        "执行依据作出机关", "执行依据制作机关", "执行依据作出法院", "gistUnit",
    ),
    "obligation": (
        "义务", "生效法律文书确定义务", "法律生效文书确定的义务", "法律文书确定的义务", "执行依据主文", "履行义务",
        "应履行义务", "确定的义务", "duty",
    ),
    "performance": ("被执行人的履行情况", "被执行人履行情况", "履行状况", "义务履行情况"),
    "performed_part": ("已履行", "已履行情况", "已履行义务", "performedPart"),
    "unperformed_part": ("未履行", "未履行情况", "未履行义务", "unperformPart"),
    "conduct": (
        "失信行为情形", "失信被执行人具体情形", "失信被执行人行为具体情形", "失信行为的具体情形", "失信情形", "失信行为",
        "失信具体情形", "具体情形", "disruptTypeName",
    ),
    "decision_number": ("决定书号", "决定书编号", "决定文号", "纳入决定书文号", "失信决定书文号"),
    "decided_on": ("认定日期", "认定时间", "决定时间", "决定书日期", "决定作出日期", "纳入日期", "列入日期"),
    "served_on": ("送达时间", "决定书送达日期", "决定书送达时间"),
    "term_ends_on": ("期限届满", "届满日期", "纳入期限届满日", "失信期限届满日", "期满日期", "到期日期"),
    "national_reference": ("全国库编号", "全国平台编号", "最高法名单库编号", "名单库编号"),
    "disclosure": ("公开范围", "是否可公开", "公开方式", "是否予以公开"),
    "restricted_ground": ("不公开理由", "不宜公开理由", "不公开原因"),
    "employer": ("工作单位", "单位", "通报单位"),
    "phone": ("电话", "手机", "手机号", "手机号码", "电话号码", "联系方式", "被执行人电话"),
    "address": ("地址", "住所", "住所地", "家庭住址", "联系地址", "被执行人地址", "被执行人住址"),
    "applicant.name": ("申请执行人姓名", "申请执行人名称", "申请人"),
    "applicant.phone": ("申请执行人电话", "申请执行人联系电话", "申请人电话", "申请执行人手机"),
    "note": ("说明", "备注说明"),
    "status": ("状态", "失信状态", "发布状态", "名单状态"),
}  # fmt: skip

# Titles of columns that are known and not used: what they say is no fact of a record, or follows from another column.
IGNORED = (
    "序号", "编号", "行号", "年龄", "age", "发布时间", "发布日期", "公布时间", "公布日期", "publishDate", "关注次数",
    "focusNumber", "证件类型", "证照类型", "限制类型", "执行案由", "案由", "案件标识", "地域ID", "被执行人序号", "法院代码",
    "登记证号", "工商注册号", "税务登记证号", "罪名", "失信名单类别", "民族", "国籍", "查看", "操作", "id", "更新时间",
    "错误行号", "错误字段", "错误原因",
)  # fmt: skip
QUARANTINE_TITLES = ("错误行号", "错误字段", "错误原因")


def _build_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for key in (*LABELS, *SYNONYMS):
        for title in (key, LABELS.get(key, ""), *SYNONYMS.get(key, ())):
            if title:
                table[fold_title(title)] = key
    # The name alone under this title; the telephone number has a column of its own.
    table[fold_title("申请执行人")] = table[fold_title("applicant")] = "applicant.name"
    return table


def fold_title(title: str) -> str:
    """A title without what is only decoration: blanks, width, case, a star or colon."""
    folded = "".join(title.translate(_FOLD).split()).lower()
    return folded.strip("*:'\"\u200b\ufeff")


_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("、"): "/", ord("\\"): "/", ord("＊"): "*"}
TITLES = _build_table()
IGNORED_TITLES = frozenset(fold_title(title) for title in IGNORED)
