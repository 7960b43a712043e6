"""What each letter says, word for word. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from registry.letters.kinds import (
    NOTICES,
    RELATION_ARTICLE,
    RESULT_LABEL,
    Letter,
    LetterKind,
    LetterState,
    Relation,
    Result,
)
from registry.letters.sheet import Block, PageBreak, Paragraph, Sheet, Table, day_words, formal_day, heading, text
from search_index.day import day_of
from search_index.profile import Profile

ANSWER_DAYS = 30
"""How many days the court asks an addressee to answer within. No article sets a time."""

_BLANK_DAY = "　　　　年　　月　　日"
_CONFIDENCE = (
    "本函所载个人信息仅供你单位依法履行职责使用，请指定专人保管，不得公开，不得提供给与处理无关的人员或者单位，"
    "不得用于其他目的（《中华人民共和国个人信息保护法》第六条、《中华人民共和国民法典》第一千零三十九条）。"
)


def write_letter(letter: Letter, profile: Profile) -> Sheet:
    """The letter as it is printed. One that nobody has agreed to yet bears no day; it is for looking at only."""
    made_on = day_of(letter.confirmed_at or letter.drafted_at)
    is_preview = letter.state is LetterState.DRAFTED
    dated = _BLANK_DAY if is_preview else formal_day(made_on)
    blocks = (
        Paragraph(text=profile.court, look="title", alignment="center"),
        Paragraph(text=_title(letter), look="title", alignment="center"),
        Paragraph(text=letter.number, look="number", alignment="right"),
        *_BODY[letter.kind](letter, profile),
        Paragraph(text=profile.court, alignment="right", drop=1, leads=True),
        text(dated, indent=False, alignment="right"),
        *_contact(profile),
        *(_slip(letter, profile) if letter.rule.answered else ()),
    )
    training = "演练文书，不具有法律效力　" if profile.training else ""
    mark = "未核发，不得使用　" if is_preview else "已作废　" if letter.state is LetterState.VOID else ""
    return Sheet(
        title=f"{_title(letter)}{letter.number}",
        court=profile.court,
        made_on=made_on,
        blocks=blocks,
        head=f"{training}{mark}",
        foot=letter.number,
        points=14 if letter.kind in NOTICES else 16,
    )


def _title(letter: Letter) -> str:
    if letter.kind is LetterKind.OBJECTION_DECISION:
        return "纠正决定书" if letter.content["outcome"] == "upheld" else "驳回决定书"
    return letter.rule.title


# What is said to a unit ------------------------------------------------------------------------------------------


def _notice(letter: Letter, _profile: Profile) -> tuple[Block, ...]:
    facts, relation = letter.facts, Relation(letter.content["relation"])
    who = "你单位（或者你单位所属、主管单位）" if relation is Relation.PUBLIC_BODY else "你单位"
    closed = "该信息依法不宜向社会公开，本院未予公布。" if facts.get("restricted") else ""
    return (
        text(f"{letter.content['addressee']}：", indent=False),
        text(
            f"本院在执行{facts['case_number']}案件中，因下列被执行人未履行生效法律文书确定的义务，"
            f"依法决定将其纳入失信被执行人名单，决定书已经送达。{closed}"
        ),
        _facts_table(facts),
        text(
            f"根据{RELATION_ARTICLE[relation]}，现将上述情况通报{who}，请依纪依法处理，并于收到之日起{ANSWER_DAYS}日内"
            "填写所附回执，将处理结果告知本院。"
        ),
        text(f"{_CONFIDENCE}该信息依法撤销、删除或者更正的，本院将另行函告；收到后请立即停止使用。"),
    )


def _discipline_notice(letter: Letter, _profile: Profile) -> tuple[Block, ...]:
    facts = letter.facts
    return (
        text(f"{letter.content['addressee']}：", indent=False),
        text(
            f"本院在执行{facts['case_number']}案件中，因下列被执行人未履行生效法律文书确定的义务，"
            "依法决定将其纳入失信被执行人名单，决定书已经送达。根据失信被执行人信息通报机制，现将有关情况通报你单位。"
            "本院不掌握其政治面貌，是否属于你单位管理，请你单位自行核实。"
        ),
        _facts_table(facts),
        text(
            f"请依规依纪依法处理，并于收到之日起{ANSWER_DAYS}日内填写所附回执，将处理结果或者不属于你单位管理的情况告知本院。"
        ),
        text(f"{_CONFIDENCE}该信息依法撤销、删除或者更正的，本院将另行函告；收到后请立即停止使用。"),
    )


def _facts_table(facts: Mapping[str, str]) -> Table:
    person = facts["kind"] == "person"
    decided = f"（{day_words(facts['decided_on'])}）" if "decided_on" in facts else ""
    rows = (
        ("姓名、性别" if person else "名称", "，".join(filter(None, (facts["name"], facts.get("gender"))))),
        ("公民身份号码", facts.get("id_number")),
        ("统一社会信用代码", facts.get("uscc")),
        ("执行案号", facts["case_number"]),
        ("执行依据文号", facts.get("basis_number")),
        ("纳入决定", f"{facts.get('decision_number', '')}{decided}"),
        ("失信行为的具体情形", facts.get("conduct")),
        ("履行情况", facts.get("performance")),
        ("纳入期限届满日", day_words(facts["term_ends_on"]) if "term_ends_on" in facts else None),
    )
    return Table(widths=(3, 7), rows=tuple((label, value) for label, value in rows if value))


def _recall(letter: Letter, _profile: Profile) -> tuple[Block, ...]:
    facts = letter.facts
    what = (
        f"该函所涉失信信息已于{day_words(facts['departed_on'])}依法{facts['departed']}"
        if "departed_on" in facts
        else "该函所涉失信信息已经停止使用"
    )
    return (
        text(f"{letter.content['addressee']}：", indent=False),
        text(f"本院曾以{letter.content['notice']}函向你单位通报{facts['case_number']}案件被执行人的有关情况。{what}。"),
        text(
            "请自收到本函之日起立即停止使用该函所载信息，解除仅因该信息采取的措施，并填写所附回执告知本院。依照法律、"
            "法规确需继续保留的，请书面说明依据和期限（《中华人民共和国个人信息保护法》第四十六条、第四十七条）。"
        ),
    )


def _slip(letter: Letter, profile: Profile) -> tuple[Block, ...]:
    """The acknowledgement (回执), on a page of its own: it names nobody, for it comes back by open mail."""
    recall = letter.kind is LetterKind.NOTICE_RECALL
    answers = (
        ("已停止使用", "已解除有关措施", "依法继续保留（请另附依据和期限）")
        if recall
        else ("已依纪依法处理", "正在处理", "不是本单位管理的人员或者单位", "其他")
    )
    return (
        PageBreak(),
        Paragraph(text="回　执", look="title", alignment="center"),
        text(f"{profile.court}：", indent=False),
        text(f"你院{letter.number}函已经收到，现将有关情况回复如下（请在方框内打勾）："),
        Table(
            widths=(3, 7),
            rows=(
                ("收到日期", _BLANK_DAY),
                ("处理情况", "\n".join(f"□ {answer}" for answer in answers)),
                ("说明", "\n\n\n"),
                ("经办人（签名）", ""),
                ("联系电话", ""),
            ),
        ),
        text(f"{letter.content['addressee']}（公章）", indent=False, alignment="right", drop=2),
        text(_BLANK_DAY, indent=False, alignment="right"),
        *_contact(profile, "回执请寄："),
    )


# What is said to whoever applied -----------------------------------------------------------------------------------


def _objection_notice(letter: Letter, _profile: Profile) -> tuple[Block, ...]:
    content = letter.content
    first = f"本院于{day_words(content['received_on'])}收到你（你单位）关于{_case(letter)}失信被执行人信息的纠正申请。"
    said = {
        "accepted": "经登记，本院现予审查，自收到申请之日起十五日内作出决定。",
        "supplement": f"请补充以下材料：{content.get('words', '')}。补充材料期间，本院不因此停止对已有材料的审查。",
        "late": "申请提出的时间较晚，不影响本院审查。本院自收到申请之日起十五日内作出决定。",
    }[content["notice"]]
    return (
        text(f"{content['addressee']}：", indent=False),
        text(f"{first}{said}（法释〔2017〕7号第十一条、第十二条）"),
        text("特此通知。"),
    )


def _objection_decision(letter: Letter, profile: Profile) -> tuple[Block, ...]:
    content = letter.content
    opening = (
        text(f"申请人：{content['addressee']}", indent=False),
        text(
            f"申请人对{_case(letter)}的失信被执行人信息申请纠正，本院于{day_words(content['received_on'])}收到申请，"
            "依法进行了审查，现已审查终结。"
        ),
        *(text(("申请人请求：" if first else "") + line) for first, line in _lines(content["claim"])),
        *(text(("本院认为：" if first else "") + line) for first, line in _lines(content["reasons"])),
    )
    return (*opening, *(_upheld(content, profile) if content["outcome"] == "upheld" else _rejected(profile)))


def _upheld(content: Mapping[str, str], profile: Profile) -> tuple[Block, ...]:
    # The Yunnan text gives days where the judicial interpretation gives working days (联合惩戒实施意见四（二）3).
    within = "三日内" if profile.policy == "yunnan" else "三个工作日内"
    result = RESULT_LABEL[Result(content["result"])]
    wrong = f"。应当更正的项目：{content['fields']}" if "fields" in content else ""
    article = "第十条第一款、第十二条" if content["result"] == Result.REMOVED else "第九条、第十二条"
    return (
        text(f"依照{_RULES}{article}规定，决定如下："),
        text(f"申请人的理由成立，本院自本决定作出之日起{within}{result}{wrong}。"),
    )


def _rejected(profile: Profile) -> tuple[Block, ...]:
    above = profile.higher_court or "上一级人民法院"
    return (
        text(f"依照{_RULES}第十二条规定，决定如下："),
        text("驳回申请人的申请。"),
        text(f"对本决定不服的，可以自决定书送达之日起十日内向{above}申请复议。复议期间，不停止原决定的执行。"),
    )


_RULES = "《最高人民法院关于公布失信被执行人名单信息的若干规定》"


def _case(letter: Letter) -> str:
    number = letter.facts.get("case_number")
    return f"{number}案件" if number else "本院公布"


def _lines(words: str) -> list[tuple[bool, str]]:
    lines = [line.strip() for line in words.split("\n") if line.strip()]
    return [(position == 0, line) for position, line in enumerate(lines)]


def _certificate(letter: Letter, profile: Profile) -> tuple[Block, ...]:
    facts = letter.facts
    person = facts["kind"] == "person"
    number = facts.get("id_number") if person else facts.get("uscc")
    label = "公民身份号码" if person else "统一社会信用代码"
    who = f"{facts['name']}（{label}：{number}）" if number else facts["name"]
    wrongly = "该信息系不应纳入而纳入，本院予以撤销。" if facts.get("wrongly") else ""
    where = profile.website or "本院公示网站"
    return (
        text("兹证明："),
        text(
            f"{who}在本院{facts['case_number']}案件中的失信被执行人信息，已于{day_words(facts['departed_on'])}依法"
            f"{facts['departed']}，不再公布。{wrongly}"
        ),
        text("任何单位和个人不得再以该信息为由限制其权利。本证明仅就上述案件出具。"),
        heading(f"核验编号：{letter.verify}"),
        text(
            f"可在{where}的“核验退出证明”栏目或者通过本院电话核对编号是否有效；核验只回答编号是否有效，不显示任何个人信息。"
        ),
    )


def _contact(profile: Profile, before: str = "") -> tuple[Block, ...]:
    parts = (
        f"地址：{profile.address}" if profile.address else "",
        f"邮编：{profile.postcode}" if profile.postcode else "",
        f"电话：{profile.telephone}" if profile.telephone else "",
    )
    line = "　".join(part for part in parts if part)
    return (Paragraph(text=f"{before}{line}", look="small", drop=1 if before else 0),) if line else ()


_BODY: Mapping[LetterKind, Callable[[Letter, Profile], tuple[Block, ...]]] = {
    LetterKind.SEALED_NOTICE: _notice,
    LetterKind.DISCIPLINE_NOTICE: _discipline_notice,
    LetterKind.NOTICE_RECALL: _recall,
    LetterKind.OBJECTION_NOTICE: _objection_notice,
    LetterKind.OBJECTION_DECISION: _objection_decision,
    LetterKind.CERTIFICATE: _certificate,
}
