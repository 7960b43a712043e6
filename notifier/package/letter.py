"""推送函.docx: the court's letter that goes with a package (联动机制 §3: media publish what the court commissions). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifier.package.edition import (
    Edition,
    chinese_date,
    count_kinds,
    title,
    training_mark,
    usage_notice,
)
from notifier.package.names import CHECKSUMS, MANIFEST, PUBLIC_KEY, SIGNATURE, SLIDE_USE, USE
from notifier.package.word import Paragraph, Table, build_docx, heading, text
from search_index.day import SHANGHAI
from search_index.document import Document

NO_NUMBER = "（委托函号：　　　　　　　　，由法院填写后生效）"


def build_letter(
    edition: Edition, documents: Sequence[Document], files: Sequence[str], slides: int, fingerprint: str | None
) -> bytes:
    """The letter for a package that holds `files` (by name) and so many slides; `fingerprint` of the signing key."""
    name = f"{training_mark(edition)}{edition.profile.court}关于推送失信被执行人名单的函"
    blocks = _blocks(edition, documents, name, _file_table(files, slides), fingerprint)
    return build_docx(edition, name, list(blocks), points=14)


def number_line(edition: Edition) -> str:
    return f"委托函号：{edition.commission_number}" if edition.commission_number else NO_NUMBER


def _blocks(
    edition: Edition, documents: Sequence[Document], name: str, table: Table, fingerprint: str | None
) -> Iterator[Paragraph | Table]:
    counts = count_kinds(documents)
    made_at = edition.made_at.astimezone(SHANGHAI)
    yield text(name, "title", alignment="center")
    yield text(number_line(edition), alignment="right")
    yield text("各接收单位：")
    yield text(
        "依照《中华人民共和国民事诉讼法》第二百六十六条、《最高人民法院关于公布失信被执行人名单信息的若干规定》"
        f"（法释〔2017〕7号）第七条，现将《{title(edition)}》推送你单位，委托予以公布。名单共{counts['total']}条，"
        f"其中自然人{counts['person']}名，法人或者其他组织{counts['organisation']}名；"
        f"本次推送的是第{edition.revision}次修订，制作时间{chinese_date(made_at)} {made_at:%H:%M}（北京时间）。",
        indent=True,
    )
    yield heading("一、公布要求")
    for demand in _demands(edition):
        yield text(demand, indent=True)
    yield heading("二、文件")
    yield table
    yield heading("三、真伪核对")
    yield text(_proof(fingerprint), indent=True)
    yield text(_contact(edition), indent=True)
    yield text(usage_notice(edition), "warning", indent=True)
    yield text(f"{edition.profile.court}（印章）", alignment="right")
    yield text(chinese_date(made_at), alignment="right")


def _demands(edition: Edition) -> Sequence[str]:
    last = chinese_date(edition.last_day_of_use)
    return (
        "（一）按原文公布，不得增加姓名、照片、住址、电话等名单以外的内容，也不得删改；不向公布对象收取费用。",
        f"（二）{last}后不再使用本期名单；注明“停止使用时间”的条目，到时即停。",
        "（三）收到本院撤回通知或者更正通知的，立即停止播放、重播和张贴，删除网站、账号上的该条，并回复办理情况。"
        "以往各期中的同一条一并处理，见变动.xlsx。",
        "（四）收到后请回执确认；公布后请告知公布的时间、频道版面或者网址。",
    )


def _proof(fingerprint: str | None) -> str:
    sums = f"全部文件的校验值在{CHECKSUMS}中（sha256sum -c {CHECKSUMS}）。"
    if fingerprint is None:
        return f"{sums}本名单包没有签名，请向本院电话核实。"
    return (
        f"{sums}清单{MANIFEST}由本院签名（Ed25519），签名在{SIGNATURE}，公钥在{PUBLIC_KEY}。"
        f"公钥指纹（SHA-256）：{fingerprint}。请与本院另行告知的指纹核对，一致的方可采信。"
    )


def _contact(edition: Edition) -> str:
    profile = edition.profile
    parts = (
        profile.telephone and f"电话{profile.telephone}（{profile.telephone_hours}）",
        profile.email and f"电子邮箱{profile.email}",
        profile.address and f"地址{profile.address}",
    )
    told = "，".join(part for part in parts if part)
    return f"联系方式：{told}。" if told else "联系方式：请按本院公开的电话联系。"


def _file_table(files: Sequence[str], slides: int) -> Table:
    rows = [(name, USE[name]) for name in USE if name in files]
    if slides:
        rows.append((f"画面-*.png（{slides}张）", SLIDE_USE))
    return Table(widths=(6.2, 9.4), rows=(("文件", "用途"), *rows))
