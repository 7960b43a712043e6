"""`gongshi export` as a person and a machine use it, and what is said when a platform was not told of a departure."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from entries import a_person, an_organisation
from homes import Home
from sqlalchemy import select

from notifier.tables import ExportRow
from registry.matters.repairs import find_document_number
from registry.tables import AuditRow

CASE = "（2025）测0101执1号"
SECRETS = ("990101", "秘密单位", "1390000", "乙申请", "内部备注")


def export(home: Home, profile: str, out: Path, *more: str) -> dict[str, object]:
    found: dict[str, object] = home.ask("export", profile, "--out", out, "--as", "reviewer", *more)
    return found


def leave(home: Home) -> None:
    home.ask("remove", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")


def doctor(home: Home) -> list[tuple[str, str]]:
    said = home.run("doctor", "--json")
    return [(one["grade"], one["text"]) for one in json.loads(said.out)["findings"] if one["matter"] == "导出"]


def rows(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding).splitlines()))


def test_full_then_an_increment_that_carries_the_departure(home: Home, tmp_path: Path) -> None:
    home.publish(a_person(1), an_organisation(2))
    first = export(home, "credit_platform", tmp_path / "one", "--format", "csv")
    assert (first["mode"], first["entries"], first["repairs"]) == ("full", 2, 0)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        "SHA256SUMS", "manifest.json", "manifest.json.sig", "public-key.pem", "信用修复.csv", "名单.csv", "说明.txt"
    ]  # fmt: skip
    listed = rows(tmp_path / "one" / "名单.csv")
    leave(home)
    home.publish(a_person(3), name="more.jsonl")
    second = export(home, "credit_platform", tmp_path / "two", "--format", "csv", "--since", "last")
    assert (second["mode"], second["since"], second["entries"], second["departures"]) == (
        "increment", first["sequence"], 1, 1
    )  # fmt: skip
    (gone,) = rows(tmp_path / "two" / "退出.csv")
    assert gone["失信信息编号"] in {row["失信信息编号"] for row in listed}
    for file in [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]:
        text = file.read_bytes().decode(errors="ignore")
        assert not any(secret in text for secret in SECRETS[1:])
        assert file.stat().st_mode & 0o077 == 0
    with home.court.reading() as session:
        query = select(AuditRow.actor, AuditRow.detail).where(AuditRow.action == "export").order_by(AuditRow.id)
        *_, (actor, detail) = session.execute(query)
    assert (actor, detail["export"], detail["sequence"]) == ("reviewer", "credit_platform", second["sequence"])


def test_who_received_it_checks_it(home: Home, tmp_path: Path) -> None:
    home.publish(a_person(1))
    export(home, "credit_bureau", tmp_path / "one")
    verdict = home.ask("package", "verify", tmp_path / "one")
    assert (verdict["valid"], verdict["profile"], verdict["entries"]) == (True, "credit_bureau", 1)
    said = home.run("package", "verify", tmp_path / "one")
    assert "供金融信用信息基础数据库的全量导出" in said.out
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "one", check=True)
    (tmp_path / "one" / "名单.csv").write_text("x")
    assert home.run("package", "verify", tmp_path / "one").code == 1
    manifest = tmp_path / "one" / "manifest.json"
    manifest.write_text(json.dumps({"format": "gongshi-export/1"}))
    said = home.run("package", "verify", tmp_path / "one")
    assert said.code == 2
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["nothing"], "没有导出方案"),
        (["credit_platform", "--since", "last"], "还没有给公共信用信息平台导出过"),
        (["credit_platform", "--since", "-1"], "--since"),
        (["credit_platform", "--since", "明天"], "应为公开序号"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_no_folder(
    home: Home, tmp_path: Path, given: list[str], told: str
) -> None:
    said = home.run("export", *given, "--out", tmp_path / "x", "--as", "reviewer")
    assert said.code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_an_auditor_and_a_stranger_export_nothing(home: Home, tmp_path: Path) -> None:
    for name in ("auditor", "nobody"):
        assert home.run("export", "social_file", "--out", tmp_path / "x", "--as", name).code == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.long
def test_doctor_warns_and_then_fails_when_a_departure_waits(home: Home, tmp_path: Path) -> None:
    home.publish(a_person(1))
    assert doctor(home) == []
    export(home, "credit_bureau", tmp_path / "one")
    leave(home)
    home.clock.advance(days=1)
    assert [grade for grade, _ in doctor(home)] == ["ok"]
    home.clock.advance(days=1, hours=1)
    ((grade, text),) = doctor(home)
    assert grade == "warn"
    assert "gongshi export credit_bureau --since last" in text
    home.clock.advance(days=1)
    assert [grade for grade, _ in doctor(home)] == ["fail"]
    export(home, "credit_bureau", tmp_path / "two", "--since", "last")
    assert [grade for grade, _ in doctor(home)] == ["ok"]


@pytest.mark.parametrize(
    ("basis", "number"),
    [
        ("测信修〔2026〕3号", "测信修〔2026〕3号"),
        ("信用修复决定书（2026）测0101信修3号，已盖章", "（2026）测0101信修3号"),
        ("信用修复决定", ""),
        ("甲测试〔2026〕3号", ""),
        ("", ""),
    ],
)
def test_the_number_of_a_document_is_told_without_a_name(basis: str, number: str) -> None:
    assert find_document_number(basis, "甲测试") == number


def test_each_export_is_on_record(home: Home, tmp_path: Path) -> None:
    from sqlalchemy.orm import Session

    from gongshi.office import open_office

    home.publish(a_person(1))
    done = export(home, "social_file", tmp_path / "one")
    office = open_office(home.court)
    with Session(office.engine) as session:
        (row,) = session.scalars(select(ExportRow))
        assert (row.profile, row.since, row.sequence, row.entries) == (
            "social_file",
            None,
            1,
            1,
        )
        assert row.manifest_sha256 == done["manifest_sha256"]


@pytest.mark.office
@pytest.mark.long
def test_the_sheet_and_the_csv_open_in_an_office(home: Home, tmp_path: Path) -> None:
    home.publish(a_person(1, name="扎西·𠮷"))
    for form in ("xlsx", "csv"):
        export(home, "credit_platform", tmp_path / form, "--format", form)
        copy = shutil.copy(tmp_path / form / f"名单.{form}", tmp_path / f"list-{form}.{form}")
        profile = f"-env:UserInstallation=file://{tmp_path}/office"
        filters = [] if form == "xlsx" else ["--infilter=CSV:44,34,76,1"]
        subprocess.run(
            ["soffice", profile, "--headless", *filters, "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1",
             "--outdir", tmp_path / "made", copy],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        (row,) = rows(tmp_path / "made" / f"list-{form}.csv")
        assert (row["姓名或者名称"], row["主体类型"], row["操作标识"]) == ("扎西·𠮷", "0", "1")
