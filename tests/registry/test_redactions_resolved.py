"""What a machine proposes to redact, from the proposal to what the public reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from builders_gate import TODAY, organisation, person, record
from entries import a_person
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from registry.basis import BasisKind, find_basis_kind
from registry.findings import UNPUBLISHABLE, find_redactions, settle
from registry.gate import Withheld, WithholdReason, disclose
from registry.policy import load_policy
from registry.record import Accepted, Performance, State
from registry.records import keep_accepted, read_record
from registry.redaction import Finding
from registry.tables import AuditRow, RecordRow
from search_index.document import Document

NATIONAL = load_policy("national")
BOTH = ("--confirm", "art3", "--confirm", "redactions")
DOUBTFUL = "支付怀孕期间的费用5000元。"


def approve(home: Home, batch: Any, *, actor: str = "reviewer") -> Any:
    return home.run("approve", batch, *BOTH, "--as", actor, "--json").json


def bring_in(home: Home, *entries: dict[str, Any]) -> Any:
    return home.ask("import", home.write("in.jsonl", entries), "--as", "clerk")["batch"]


def shown(home: Home) -> list[Document]:
    court = home.court
    with court.store.snapshot(home.clock()) as snapshot:
        found = snapshot.all("")
    court.close()
    return list(found)


# Opening -----------------------------------------------------------------------------------------------------------


def test_a_doubtful_proposal_is_opened_by_the_very_reviewer_before_approval(home: Home) -> None:
    batch = bring_in(home, a_person(1, obligation=DOUBTFUL), a_person(2))
    (refused,) = approve(home, batch)["refused"]
    assert refused["rule"] == "redactions_unopened"
    assert "gongshi findings" in refused["reason"]
    for opened_by in ((), ("--as", "second"), ("--as", "clerk")):
        assert [f["confidence"] for f in home.ask("findings", batch, *opened_by)["findings"]] == ["low"]
        assert approve(home, batch)["approved"] == 0
    home.ask("findings", batch, "--as", "reviewer")
    home.ask("findings", batch, "--as", "reviewer")
    assert approve(home, batch)["approved"] == 1


def test_what_was_opened_is_one_version_and_not_the_next(home: Home) -> None:
    batch = bring_in(home, a_person(1, obligation=DOUBTFUL))
    home.ask("findings", batch, "--as", "reviewer")
    case = a_person(1)["case_number"]
    home.ask("correct", case, "--set", "obligation=支付流产手术的费用6000元。", "--as", "second")
    assert [refusal["rule"] for refusal in approve(home, batch)["refused"]] == ["redactions_unopened"]
    home.ask("findings", batch, "--as", "reviewer")
    assert approve(home, batch)["approved"] == 1


def test_a_correction_shows_its_doubtful_proposals_before_it_is_made(home: Home) -> None:
    home.publish(a_person(1))
    command = ("correct", a_person(1)["case_number"], "--set", f"obligation={DOUBTFUL}", *BOTH, "--as", "reviewer")
    refused = home.run(*command)
    assert refused.code == 2
    assert "支付【××】期间的费用" in refused.err
    assert "怀孕" not in refused.err + refused.out
    assert "怀孕" not in shown(home)[0].obligation
    home.ask(*command)
    assert shown(home)[0].obligation == "支付××期间的费用5000元。"


def test_findings_of_an_unknown_reader_or_batch_are_refused(home: Home) -> None:
    batch = bring_in(home, a_person(1, obligation=DOUBTFUL))
    assert home.run("findings", batch, "--as", "nobody").code == 2
    assert home.run("findings", 99, "--as", "reviewer").code == 2


# What was accepted is what is applied -------------------------------------------------------------------------------

TEXT = "向原告王甲甲偿还50000元，案外人王乙乙承担连带责任。"


def hidden(words: str, replacement: str = "××") -> Finding:
    start = TEXT.index(words)
    return Finding(rule="x", start=start, end=start + len(words), confidence="low", replacement=replacement)


def obligation(accepted: tuple[Finding, ...] | None, **changes: Any) -> str | Withheld:
    redactions = None if accepted is None else Accepted("an older one", {"obligation": accepted})
    answer = disclose(record(person(obligation=TEXT), redactions=redactions, **changes), NATIONAL, TODAY)
    return answer.obligation if isinstance(answer, Document) else answer


def test_what_a_reviewer_accepted_stays_hidden_though_no_rule_finds_it() -> None:
    proposed = find_redactions(person(obligation=TEXT))["obligation"]
    text = obligation((*proposed, hidden("连带")))
    assert text == "向原告王某1偿还50000元，案外人王某2承担××责任。"


@pytest.mark.parametrize("accepted", [None, (), (hidden("王甲甲"),)])
def test_nothing_sure_that_nobody_accepted_is_published(accepted: tuple[Finding, ...] | None) -> None:
    answer = obligation(accepted)
    assert isinstance(answer, Withheld)
    assert answer.reason is WithholdReason.UNRESOLVED
    assert "王" not in answer.basis


def test_what_is_found_later_is_hidden_in_what_is_public_already() -> None:
    text = obligation((hidden("王甲甲", "王某"),), state=State.PUBLISHED, number="SX-00000000")
    assert text == "向原告王某偿还50000元，案外人王某2承担连带责任。"


@given(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 6)), max_size=5))
def test_whatever_was_accepted_nothing_sure_is_ever_shown(spans: list[tuple[int, int]]) -> None:
    accepted, end = [], 0
    for start, length in sorted(spans):
        if start >= end:
            end = min(start + length, len(TEXT))
            accepted.append(Finding(rule="x", start=start, end=end, confidence="low", replacement="×"))
    kept = settle(
        record(person(obligation=TEXT), redactions=Accepted("an older one", {"obligation": tuple(accepted)}))
    )["obligation"]
    assert all(before.end <= after.start for before, after in pairwise(kept))
    covered = {position for finding in kept for position in range(finding.start, finding.end)}
    for finding in (*accepted, *find_redactions(person(obligation=TEXT))["obligation"]):
        assert covered.issuperset(range(finding.start, finding.end))


def test_an_approved_record_with_something_new_to_hide_goes_back_to_a_reviewer(home: Home) -> None:
    batch = bring_in(home, a_person(1, obligation="向原告王甲甲偿还50000元。"))
    assert approve(home, batch)["approved"] == 1
    court = home.court
    with court.session() as session:
        row = session.scalars(select(RecordRow)).one()
        keep_accepted(row, read_record(row, court.vault).facts, Accepted("an older one", {}), court.vault)
    home.ask("publish")
    assert shown(home) == []
    with court.session() as session:
        assert session.scalars(select(RecordRow.state)).one() == State.DRAFT.value
        withheld = session.scalars(select(AuditRow).where(AuditRow.action == "withhold")).one()
        assert withheld.detail == {"reason": "unresolved", "article": "法释〔2016〕19号第八条至第十一条"}
    court.close()
    assert approve(home, batch)["approved"] == 1
    home.ask("publish")
    assert shown(home)[0].obligation == "向原告王某偿还50000元。"


def test_what_an_older_detector_let_through_is_hidden_at_the_next_publication(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "向原告王甲甲偿还50000元。"
    find_redactions.cache_clear()
    with monkeypatch.context() as older:
        older.setattr("registry.publishing.VERSION", "older")
        older.setattr("registry.findings.VERSION", "older")
        older.setattr("registry.redaction.find_in_fields", lambda texts, *_: dict.fromkeys(texts, ()))
        home.publish(a_person(1, obligation=text))
    find_redactions.cache_clear()
    assert [document.obligation for document in shown(home)] == [text]
    home.ask("publish")
    assert [document.obligation for document in shown(home)] == ["向原告王某偿还50000元。"]


# Documents that may not be published ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("准予原告王甲甲与被告测试甲离婚；夫妻共同债务由被告承担。", BasisKind.DIVORCE),
        ("离婚后财产纠纷：被告支付折价款30万元。", BasisKind.DIVORCE),
        ("婚生子王小小由原告抚养，被告每月支付抚养费1200元。", BasisKind.CUSTODY),
        ("协助原告每月探望孩子两次。", BasisKind.CUSTODY),
        ("被告人犯罪时未满十八周岁，退赔被害人损失8000元。", BasisKind.MINOR),
    ],
)
def test_the_obligation_of_an_unpublishable_document_is_a_reference_to_it(text: str, kind: BasisKind) -> None:
    assert find_basis_kind([text]) is kind
    facts = person(
        obligation=text, performance=Performance.PART, performed_part="已付抚养费600元", unperformed_part="其余未付"
    )
    document = disclose(record(facts), NATIONAL, TODAY)
    assert isinstance(document, Document)
    assert document.obligation == f"详见生效法律文书{facts.basis_number}"
    assert document.performed_part == document.unperformed_part == document.obligation
    assert {f.rule for found in find_redactions(facts).values() for f in found} == {UNPUBLISHABLE}


def test_one_sign_in_one_text_is_enough_for_all_of_them() -> None:
    facts = person(obligation="支付12000元。", performance=Performance.PART, performed_part="已付三个月抚养费")
    document = disclose(record(facts), NATIONAL, TODAY)
    assert isinstance(document, Document)
    assert document.obligation.startswith("详见生效法律文书")


@pytest.mark.parametrize(
    "text",
    [
        "支付赡养费每月500元。",
        "监护人在其管理的财产范围内赔偿医疗费。",
        "与其配偶对借款本金承担共同清偿责任。",
        "该公司的监护设备货款12万元。",
    ],
)
def test_what_only_sounds_like_it_is_shown(text: str) -> None:
    assert find_basis_kind([text]) is None


def test_a_reviewer_confirms_the_reference_as_any_redaction(home: Home) -> None:
    batch = bring_in(home, a_person(1, obligation="婚生女由原告抚养，被告每月支付抚养费1200元。"))
    refused = home.run("approve", batch, "--confirm", "art3", "--as", "reviewer", "--json").json["refused"]
    assert [refusal["rule"] for refusal in refused] == ["redactions_unconfirmed"]
    (finding,) = home.ask("findings", batch)["findings"]
    assert finding["rule"] == UNPUBLISHABLE
    assert approve(home, batch)["approved"] == 1
    home.ask("publish")
    assert shown(home)[0].obligation == f"详见生效法律文书{a_person(1)['basis_number']}"


def test_an_organisation_is_treated_alike() -> None:
    facts = replace(organisation(obligation="协助办理离婚判决所定的过户。"), filed_on=date(2026, 1, 5))
    document = disclose(record(facts), NATIONAL, TODAY)
    assert isinstance(document, Document)
    assert document.obligation.startswith("详见生效法律文书")
