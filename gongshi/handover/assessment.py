"""The assessment of the impact on personal information before a list is published (个人信息保护法 arts. 55, 56), as far as the
product and its settings can say it. What only the court knows is marked to be filled in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gongshi.handover.model import Facts
from registry.letters.sheet import Block, Paragraph, Sheet, Table, text
from search_index import privacy_words

TO_FILL = "【由法院填写】"
_NONE = "没有"

# A risk, and what is done about it by the product; whether that is enough the court says.
_RISKS = (
    (
        "公布了不应公布的人或者内容",
        "两人审核，逐项核对；未成年人、未送达、宽限期内、期限届满的不能公布；每个字段没有规则就不公布；"
        "自由文本先找出第三人的信息，由审核人逐处确认；公示库里只有公众可以看到的内容",
    ),
    (
        "号码被还原，或者被用来冒充",
        "号码遮盖后公布；批量读取不含号码的任何数字；查询不区分“不公开”与“没有”；查询和比对限次并留痕",
    ),
    (
        "同名同姓的人被误认",
        "公布性别、年龄和遮盖后的号码供区别；“是不是我”一页核对；姓名相近而不同的，写明只是相近",
    ),
    (
        "该撤下而没有按时撤下",
        "撤下在决定登记的同时生效；到期自行停止显示；事由到期没有决定的先行屏蔽；期限逐日提醒，逾期报警；"
        "与法院失去联系过久时，网站自行停止显示名单",
    ),
    (
        "撤下以后，别处还在使用",
        "每份推送记录在案；撤回通知逐个发出，催到回执为止；批量读取者不确认的，暂停其密钥；公告和大屏登记在册",
    ),
    (
        "内部数据泄露或者被改动",
        "识别个人的内容加密存放，密钥在数据库之外；按职责授权，两步验证；查看、办理逐条留痕，审计记录环环相扣，改动可以发现",
    ),
    (
        "数据丢失，或者恢复时让已撤下的人重新出现",
        "每日加密备份并回读核验；撤下另记在数据库之外；恢复后先关闭，重做备份之后的撤下，由两人确认后才开放",
    ),
)


def write_assessment(facts: Facts) -> Sheet:
    """The assessment of this home."""
    return Sheet(
        title="个人信息保护影响评估报告",
        court=facts.profile.court,
        made_on=facts.day,
        blocks=tuple(_write(facts)),
        head="演练" if facts.profile.training else "",
        foot=f"{facts.profile.court}　个人信息保护影响评估报告",
        points=14,
    )


def _write(facts: Facts) -> Iterator[Block]:
    yield Paragraph(text="个人信息保护影响评估报告", look="title", alignment="center")
    yield text("公布失信被执行人名单及向有关单位推送", indent=False, alignment="center")
    yield text(
        "依据《个人信息保护法》第五十五条第（三）、（五）项（委托处理、向他人提供、公开个人信息，以及对个人权益有重大影响的处理）"
        "和第五十六条制作。报告和处理情况记录至少保存三年。",
        drop=1,
    )
    yield _heading("一、处理的基本情况")
    yield _table(
        (3, 9),
        ("事项", "内容"),
        (
            ("处理者", facts.profile.court),
            ("个人信息保护事务联系", facts.profile.privacy_contact or TO_FILL),
            ("名单规模", f"截至{facts.day:%Y年%-m月%-d日}，公布 {facts.entries} 条"),
            ("适用的规则", facts.rules),
            ("网站和存放地点", f"{facts.profile.website or TO_FILL}；机房：{TO_FILL}（应在境内，第三十六条）"),
            ("网络安全等级保护", f"备案编号和级别：{TO_FILL}"),
            *((title, answer) for title, answer in privacy_words.LISTED if title in ("目的", "依据")),
        ),
    )
    yield _heading("二、处理的个人信息")
    yield text("公布的字段，及每一项的处理和依据：")
    yield _table((3, 3, 7), ("字段", "处理", "依据"), [(one.label, one.treatment, one.basis) for one in facts.fields])
    yield text(
        f"号码以“{facts.masked}”的形式公布；这样的一个号码仍有约 {facts.possible} 个可能的真号。"
        f"只在内部使用、不对外公布的：{'、'.join(facts.inside)}。"
    )
    yield _heading("三、处理目的、方式是否合法、正当、必要")
    yield text(
        "公布为履行法定职责所必需；范围限于司法解释列明的事项，规则没有列明的字段一律不公布；依法不宜公开的，不进入任何公开渠道。"
    )
    yield text(f"法院的意见：{TO_FILL}")
    yield _heading("四、向谁提供、由谁受托处理")
    yield _table(
        (4, 9),
        ("对象", "名称"),
        (
            ("季度名单的接收单位", _join(facts.receivers)),
            ("联合惩戒单位", _join(facts.units)),
            ("受托处理者", _join(facts.entrusted)),
            ("其中向境外提供的", _join(facts.abroad)),
        ),
    )
    if facts.abroad:
        yield text(
            "经境外服务商发送的短信，号码和正文离开境内：《个人信息保护法》第三十六条、第三十八条至第四十条的条件是否具备："
            + TO_FILL
        )
    yield text(f"与接收单位、受托处理者约定的目的、期限、保护措施（第二十一条、第二十三条）：{TO_FILL}")
    yield _heading("五、对个人权益的影响、风险和措施")
    yield _table((4, 7, 3), ("风险", "已有的措施", "法院认定的剩余风险"), [(*one, TO_FILL) for one in _RISKS])
    yield _heading("六、保存期限")
    yield _table(
        (4, 2, 3, 6),
        ("数据", "天数", "自何时起", "届时如何，依据"),
        [(one.title, str(one.days), one.since, f"{one.becomes}。{one.basis}") for one in facts.retention],
    )
    yield _heading("七、结论")
    yield text(f"保护措施是否合法、有效并与风险程度相适应（第五十六条第（三）项）：{TO_FILL}")
    yield text(f"评估人：{TO_FILL}　审批人：{TO_FILL}　日期：{TO_FILL}", drop=1)


def _heading(words: str) -> Paragraph:
    return Paragraph(text=words, look="bold", leads=True, drop=1)


def _table(widths: tuple[int, ...], heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(widths=widths, rows=(heading, *rows), heading=True)


def _join(names: Sequence[str]) -> str:
    return "、".join(names) or _NONE
