"""Documents for the law: what this home knows is in them, what only the court knows is marked, and nobody listed is named."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from entries import a_person
from homes import Home

from registry.policy import load_policy
from registry.retention.schedule import read_schedule

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def read_words(path: Path) -> str:
    document = docx.Document(io.BytesIO(path.read_bytes()))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)


def test_the_assessment_tells_every_field_receiver_and_term_and_names_nobody(home: Home, tmp_path: Path) -> None:
    home.publish(a_person(1))
    home.ask(
        "recipient",
        "add",
        "tv",
        "--name",
        "测试市电视台",
        "--kind",
        "television",
        "--channel",
        "pull",
        "--as",
        "reviewer",
    )
    home.ask("unit", "add", "bank", "--name", "测试银行", "--as", "reviewer")
    home.ask("profile", "--set", "privacy_contact=测试科 0000-1", "--set", "id_mask=strict", "--as", "reviewer")
    words = read_words(Path(home.ask("handover", "assessment", "--out", tmp_path / "a.docx")["file"]))
    for told in ("测试市电视台（", "测试银行", "测试科 0000-1", "公布 1 条", "990101********0015", "【由法院填写】"):
        assert told in words
    for rule in load_policy("national").fields.values():
        assert rule.basis in words
    for one in read_schedule(home.folder / "registry").values():
        assert one.title in words
    for secret in ("甲测试", "秘密单位1厂", "内部备注1", "执1号"):
        assert secret not in words


def test_the_privacy_text_says_what_the_site_says_and_the_courts_own_terms(home: Home, tmp_path: Path) -> None:
    (home.folder / "registry" / "retention.toml").write_text("[terms]\nnotices = 400\n", encoding="utf-8")
    home.ask("handover", "privacy", "--out", tmp_path / "p.docx")
    words, beside = read_words(tmp_path / "p.docx"), (tmp_path / "p.md").read_text("utf-8")
    from portal.app import create_app

    with create_app(home.public_settings, home.clock).test_client() as client:
        page = client.get("/privacy").get_data(as_text=True)
    from search_index import privacy_words

    for title, answer in (*privacy_words.LISTED, *privacy_words.RIGHTS):
        assert title in page
        assert answer in page
        assert answer in words
        assert answer in beside
    assert "400 天" in words


def test_a_file_of_another_kind_is_refused(home: Home, tmp_path: Path) -> None:
    refused = home.run("handover", "privacy", "--out", tmp_path / "p.pdf")
    assert refused.code == 2
    assert ".docx" in refused.err
    assert not list(tmp_path.glob("p.*"))
