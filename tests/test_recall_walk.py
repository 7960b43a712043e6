"""A quarter's list goes to four recipients in four ways, and names are taken back: by the command line, over real mail,
SFTP and HTTP, and by the gateway's own pages, as the people at both ends would do it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from entries import a_person, citizen_number
from flask.testing import FlaskClient
from homes import Home
from sqlalchemy import Engine, select
from standins.hook_server import SECRET, HookServer
from standins.mail_server import MailServer
from standins.sftp_server import PASSWORD, SftpServer

from gongshi.gateway import create_gateway
from gongshi.office import open_office
from notifier.followups import list_overdue
from notifier.reporting import ReportLine, recall_report
from registry.exit_notices import clarify
from registry.tables import RecordRow
from search_index.day import day_of

GATEWAY = "https://gateway.example.invalid"
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_RECORD = re.compile(r"SX-[0-9A-Z]{8}")


def name_of(serial: int) -> str:
    """A name that is in no other."""
    return f"扎西·{_DIGITS[serial // 10]}{_DIGITS[serial % 10]}"


def case_of(serial: int) -> str:
    return f"（2025）测0101执{serial}号"


@dataclass
class Outside:
    """The four at the other end, and the way to the gateway. What was there before is told from what came later."""

    home: Home
    mail: MailServer
    sftp: SftpServer
    hook: HookServer
    gateway: FlaskClient
    token: str
    engine: Engine
    mails_seen: int = 0
    files_seen: set[Path] = field(default_factory=set)
    events_seen: set[str] = field(default_factory=set)
    fetched: list[bytes] = field(default_factory=list)

    # What came ----------------------------------------------------------------------------------------------------

    def letters_by_mail(self) -> list[str]:
        """Subject and text of every mail, in order."""
        found = []
        for mail in self.mail.mails:
            body = mail.message.get_body(("plain",))
            assert body is not None
            found.append(f"{mail.message['Subject']}\n{body.get_content()}")
        return found

    def letters_by_sftp(self) -> list[str]:
        folder = self.sftp.root / "notices"
        files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
        return [file.read_text(encoding="utf-8") for file in files]

    def letters_by_hook(self) -> list[str]:
        events = [one for one in self.hook.events.values() if one["type"] != "list.published"]
        return [f"{one['data']['subject']}\n{one['data']['text']}" for one in events]

    def look_at_pull(self) -> dict[str, Any]:
        answer = self.gateway.get("/pull", headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        self.fetched.append(answer.data)
        found: dict[str, Any] = answer.json  # type: ignore[assignment]
        return found

    def fetch(self, address: str) -> bytes:
        """A file over the gateway, as whoever pulls fetches it."""
        assert address.startswith(GATEWAY), address
        answer = self.gateway.get(address.removeprefix(GATEWAY), headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        digest = base64.b64encode(hashlib.sha256(answer.data).digest()).decode()
        assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
        self.fetched.append(answer.data)
        return answer.data

    # What the court knows of it ----------------------------------------------------------------------------------

    def report(self) -> list[ReportLine]:
        return recall_report(self.engine, today=day_of(self.home.clock()))

    def count_overdue(self) -> int:
        return len(list_overdue(self.engine, day_of(self.home.clock())))

    def mark(self) -> None:
        """What came until now is before."""
        self.mails_seen = len(self.mail.mails)
        self.files_seen = {path for path in self.sftp.root.rglob("*") if path.is_file()}
        self.events_seen = set(self.hook.events)
        self.fetched.clear()

    def bytes_since_mark(self) -> bytes:
        """Everything that went out since, unpacked and in one writing."""
        raw = [mail.content for mail in self.mail.mails[self.mails_seen :]]
        raw += [part.get_payload(decode=True) or b"" for mail in self.mail.mails[self.mails_seen :]
                for part in mail.message.walk() if not part.is_multipart()]  # fmt: skip
        files = {path for path in self.sftp.root.rglob("*") if path.is_file()} - self.files_seen
        raw += [path.read_bytes() + path.name.encode() for path in sorted(files)]
        raw += [
            json.dumps(event, ensure_ascii=False).encode()
            for key, event in self.hook.events.items()
            if key not in self.events_seen
        ]
        raw += self.fetched
        return b"\n".join(unpack(part) for part in raw)


def unpack(content: bytes) -> bytes:
    """Bytes with all that is packed in them: archives, spreadsheets and documents."""
    if not content.startswith(b"PK\x03\x04"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(name.encode() + unpack(archive.read(name)) for name in archive.namelist())


def writings(words: str) -> list[bytes]:
    return [words.encode(encoding) for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be")] + [
        json.dumps(words)[1:-1].encode(),
        "".join(f"&#{ord(character)};" for character in words).encode(),
    ]


@pytest.fixture
def outside(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """A home with fifty published entries and four recipients on four channels; nothing pushed yet."""
    root = tmp_path / "station"
    root.mkdir()
    with MailServer() as mail, SftpServer(root) as sftp, HookServer(home.clock) as hook:
        monkeypatch.setenv("GONGSHI_SMTP_URL", mail.url)
        monkeypatch.setenv("GONGSHI_WEBHOOK_LOOPBACK", "yes")
        monkeypatch.setenv("GONGSHI_GATEWAY_URL", GATEWAY)
        home.publish(*(a_person(n, name=name_of(n), id_number=citizen_number(n)) for n in range(1, 51)))
        add(home, "news", "television", "mail", "--address", "desk@tv.example.invalid")
        sftp_options = ("--address", sftp.url, "--option", f"host_key={sftp.host_key}", "--ask-secret")
        add(home, "station", "television", "sftp", *sftp_options, typed=f"{PASSWORD}\n")
        hook_options = ("--address", f"{hook.url}/in", "--ask-secret")
        add(home, "centre", "e_government", "webhook", *hook_options, typed=f"{SECRET}\n")
        token = add(home, "portal", "e_government", "pull")["token"]
        court = home.court
        client, engine = create_gateway(court).test_client(), open_office(court).engine
        yield Outside(home, mail, sftp, hook, client, token, engine)
        court.close()


def add(home: Home, slug: str, kind: str, channel: str, *options: str, typed: str = "") -> dict[str, Any]:
    said = home.run(
        "recipient", "add", slug, "--name", f"测试单位{slug}", "--kind", kind, "--channel", channel,
        *options, "--as", "reviewer", "--json", typed=typed,
    )  # fmt: skip
    assert said.code == 0, said.out + said.err
    found: dict[str, Any] = said.json
    return found


def work(home: Home) -> None:
    """One round of the worker, two minutes later."""
    home.clock.advance(minutes=2)
    said = home.run("worker", "--once")
    assert said.code == 0, said.out + said.err


def withdraw(home: Home, serial: int) -> str:
    """Take an entry down as one that should never have been listed; its number."""
    found = home.ask(
        "withdraw", case_of(serial), "--ground", "wrongly_listed", "--basis", f"（2026）测0101执监{serial}号",
        "--as", "reviewer",
    )  # fmt: skip
    record: str = found["record"]
    return record


def correct(home: Home, serial: int) -> str:
    found = home.ask(
        "correct", case_of(serial), "--set", "obligation=支付货款人民币95000元。",
        "--confirm", "art3", "--confirm", "redactions", "--as", "reviewer",
    )  # fmt: skip
    record: str = found["record"]
    return record


def told(letters: list[str]) -> dict[str, list[str]]:
    """Which records were named in letters that take back, and in letters that correct; each as often as it was."""
    found: dict[str, list[str]] = {"gone": [], "corrected": []}
    for letter in letters:
        if "名单包" in letter.partition("\n")[0] or "SHA-256" in letter:
            continue
        kind = "gone" if "撤回" in letter or "退出公布" in letter else "corrected"
        found[kind] += sorted(set(_RECORD.findall(letter)))
    return {kind: sorted(records) for kind, records in found.items()}


def records_in(content: bytes) -> set[str]:
    return {entry["record"] for entry in json.loads(content)["entries"]}


def sign_reply(body: bytes, home: Home, number: str) -> dict[str, str]:
    """The headers of a signed answer, made by hand from the specification."""
    key, at = base64.b64decode(SECRET.removeprefix("whsec_")), str(int(home.clock().timestamp()))
    digest = hmac.digest(key, f"{number}.{at}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": number, "webhook-timestamp": at, "webhook-signature": signature}


@pytest.mark.long
def test_everyone_gets_the_right_thing_and_answers_close_it(outside: Outside) -> None:
    home = outside.home
    outside.hook.statuses = [503] * 50
    pushed = home.ask("push", "--period", "2026Q3")
    assert pushed["entries"] == 50
    work(home)
    # Mail and SFTP have it, whoever pulls has not come yet, and the fourth is down.
    (mail,) = outside.mail.mails
    (attached,) = mail.message.iter_attachments()
    assert len(records_in(unpack_one(attached.get_payload(decode=True), "list.json"))) == 50
    assert len(records_in((outside.sftp.root / "2026Q3-r1" / "list.json").read_bytes())) == 50
    assert (outside.sftp.root / "2026Q3-r1.done").read_text().strip().startswith(sha256_of(outside, "manifest.json"))
    assert outside.hook.events == {}

    # One leaves before whoever pulls has come for the package; then the list is fetched.
    before_pull = withdraw(home, 11)
    (run,) = outside.look_at_pull()["runs"]
    (address,) = [file["address"] for file in run["files"] if file["name"] == "list.json"]
    held = records_in(outside.fetch(address))
    assert before_pull not in held
    assert len(held) == 49

    outside.mark()
    gone = [before_pull, withdraw(home, 12), withdraw(home, 13)]
    corrected = [correct(home, 21), correct(home, 22)]
    work(home)
    work(home)
    everything = {"gone": sorted(gone), "corrected": sorted(corrected)}
    assert told(outside.letters_by_mail()) == everything
    assert told(outside.letters_by_sftp()) == everything
    to_answer = outside.look_at_pull()["letters"]
    by_pull = [f"{one['subject']}\n{one['text']}" for one in to_answer]
    assert told(by_pull) == {"gone": sorted(gone[1:]), "corrected": sorted(corrected)}
    assert outside.hook.events == {}

    # A day later the fourth is up again: it gets a list without them, and no recall of what it never had.
    outside.hook.statuses.clear()
    home.clock.advance(days=1)
    work(home)
    (event,) = outside.hook.events.values()
    assert event["type"] == "list.published"
    assert event["data"]["entries"] == 47
    package = outside.gateway.get(
        event["data"]["package"].removeprefix(GATEWAY), headers={"Accept": "application/json"}
    )
    assert package.status_code == 200, package.text
    assert package.json is not None
    assert package.json["manifest_sha256"] == event["data"]["manifest_sha256"]
    archive = outside.fetch(package.json["archive"])
    assert not records_in(unpack_one(archive, "list.json")) & set(gone)
    assert outside.letters_by_hook() == []
    stale = outside.gateway.get(address.removeprefix(GATEWAY), headers={"Authorization": f"Bearer {outside.token}"})
    assert stale.status_code == 410, "a revision with who has left is handed over no more"

    # No byte that went out after a departure holds the name of whoever left.
    sent = outside.bytes_since_mark()
    assert all(words not in sent for serial in (11, 12, 13) for words in writings(name_of(serial)))
    assert any(words in sent for words in writings(name_of(14))), "the search finds names"

    # From now on the fourth holds it, and is told of what leaves.
    # The mail server takes nothing for a day: its recall waits, and goes once.
    outside.mail.replies["RCPT"] = "451 4.3.0 later"
    last = withdraw(home, 14)
    work(home)
    assert told(outside.letters_by_hook()) == {"gone": [last], "corrected": []}
    assert last not in told(outside.letters_by_mail())["gone"]
    outside.mail.replies.clear()
    home.clock.advance(days=1)
    work(home)
    work(home)
    assert told(outside.letters_by_mail())["gone"].count(last) == 1
    assert next(iter(outside.hook.events.values()))["type"] == "list.published"
    lines = {(line.recall.record, line.recipient.slug) for line in outside.report()}
    told_all = {(record, slug) for record in (*gone, *corrected, last) for slug in ("news", "station", "portal")}
    assert lines == (told_all | {(last, "centre")}) - {(before_pull, "portal")}
    assert all(line.told_at is not None and line.done is None for line in outside.report())
    home.clock.advance(days=9)
    assert outside.count_overdue() > 0
    work(home)

    answer_by_page(outside)
    answer_by_file(outside)
    answer_by_signature(outside)
    answer_by_pull(outside)
    work(home)
    final = outside.report()
    assert len(final) == len(lines)
    assert [line for line in final if line.done is None or line.done.place is None or line.overdue] == []
    noted_by = {line.recipient.slug: line.done.noted_by for line in final if line.done is not None}
    assert len(set(noted_by.values())) == 4, "each answered in its own way"
    assert outside.count_overdue() == 0
    # Nothing more is asked of anybody, and nothing was told twice.
    outside.mark()
    home.clock.advance(days=20)
    work(home)
    assert [letter for letter in outside.letters_by_mail()[outside.mails_seen :] if "撤回" in letter] == []
    assert told_once(outside)


def unpack_one(archive: bytes | Any, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        (found,) = [one for one in opened.namelist() if one.rpartition("/")[2] == name]
        return opened.read(found)


def sha256_of(outside: Outside, name: str) -> str:
    return hashlib.sha256((outside.sftp.root / "2026Q3-r1" / name).read_bytes()).hexdigest()


def told_once(outside: Outside) -> bool:
    """Whether no recall went twice by mail; reminders of it are said to be reminders."""
    subjects = [
        letter.partition("\n")[0]
        for letter in outside.letters_by_mail()
        if letter.startswith(("【立即办理】", "【请办理】"))
    ]
    return len(subjects) == len(set(subjects)) > 0


def answer_by_page(outside: Outside) -> None:
    """The editor opens the link in each mail and presses the one button; a scanner opened it before."""
    links = {
        found
        for letter in outside.letters_by_mail()
        if letter.startswith(("【立即办理】", "【请办理】"))
        for found in re.findall(rf"{re.escape(GATEWAY)}(/acks/\S+)", letter)
    }
    assert links
    today = day_of(outside.home.clock()).isoformat()
    for link in sorted(links):
        assert outside.gateway.get(link).status_code == 200
        form = {"kind": "taken_down", "by": "值班编辑", "day": today, "time": "00:10", "place": "新闻频道"}
        assert outside.gateway.post(link, data=form).status_code == 303
        assert outside.gateway.post(link, data=form).status_code == 303, "pressed twice"
        page = outside.gateway.get(link)
        assert "新闻频道" in page.text


def answer_by_file(outside: Outside) -> None:
    """The station's machine leaves a file beside each letter."""
    notices = outside.sftp.root / "notices"
    answered = {"kind": "taken_down", "by": "播控室", "place": "滚动字幕"}
    for letter in sorted(notices.glob("*.json")):
        if json.loads(letter.read_text(encoding="utf-8"))["facts"].get("type") in ("gone", "corrected"):
            answer = json.dumps(answered, ensure_ascii=False)
            (notices / f"{letter.stem}.ack.json").write_text(answer, encoding="utf-8")


def answer_by_signature(outside: Outside) -> None:
    """The portal's machine signs what it has done; once, and once more because the answer was lost."""
    (recall,) = [one for one in outside.hook.events.values() if one["type"] == "list.recalled"]
    body = json.dumps(
        {"dispatch": recall["data"]["dispatch"], "kind": "taken_down", "by": "运维", "place": "门户首页"},
        ensure_ascii=False,
    ).encode()
    headers = sign_reply(body, outside.home, "answer-1")
    for noted in (True, False):
        answer = outside.gateway.post("/acks", data=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["noted"] is noted


def answer_by_pull(outside: Outside) -> None:
    for letter in outside.look_at_pull()["letters"]:
        if "taken_down" not in letter["answers"]:
            continue
        body = {"dispatch": letter["dispatch"], "kind": "taken_down", "by": "值班员", "place": "办事大厅屏幕"}
        headers = {"Authorization": f"Bearer {outside.token}"}
        answer = outside.gateway.post("/pull/acks", json=body, headers=headers)
        assert answer.status_code == 200, answer.text


# A clarification ---------------------------------------------------------------------------------------------------


def clear(outside: Outside, record: str) -> None:
    """The court publishes the clarification that the person asked for."""
    court = outside.home.court

    def decide(session: Any) -> tuple[()]:
        row = session.scalars(select(RecordRow).where(RecordRow.number == record)).one()
        clarify(session, row, "2026年11月18日书面申请", court.acting("reviewer"))
        return ()

    court.amend(decide)
    court.close()


def told_of(letters: list[str], record: str) -> list[str]:
    """What was said of a record, in order: taken back, or cleared; reminders are not counted."""
    kinds = {"退出公布，请立即停止使用": "recall", "本院发布下列公告": "clarification"}
    return [
        kinds[found[0]]
        for letter in letters
        if record in letter and (found := [start for start in kinds if start in letter])
    ]


@pytest.mark.long
def test_who_was_listed_wrongly_is_cleared_by_every_way_the_list_went(outside: Outside) -> None:
    home = outside.home
    home.ask("push", "--period", "2026Q3")
    work(home)
    (event,) = outside.hook.events.values()
    package = outside.gateway.get(
        event["data"]["package"].removeprefix(GATEWAY), headers={"Accept": "application/json"}
    )
    assert package.json is not None
    outside.fetch(package.json["archive"])
    (run,) = outside.look_at_pull()["runs"]
    outside.fetch(run["archive"])
    wrong = withdraw(home, 11)
    outside.mark()
    # Recall and clarification are queued together; the mail server takes nothing for a while.
    outside.mail.replies["RCPT"] = "451 4.3.0 later"
    clear(outside, wrong)
    work(home)
    assert told_of(outside.letters_by_mail(), wrong) == []
    outside.mail.replies.clear()
    for _ in range(3):
        home.clock.advance(minutes=30)
        work(home)
    pulled = outside.look_at_pull()["letters"]
    assert told_of(outside.letters_by_mail(), wrong) == ["recall", "clarification"]
    assert sorted(told_of(outside.letters_by_sftp(), wrong)) == ["clarification", "recall"]
    assert told_of(outside.letters_by_hook(), wrong) == ["recall", "clarification"]
    told_by_pull = [(one["purpose"], one["answers"][-1]) for one in pulled if one["facts"].get("record") == wrong]
    assert told_by_pull == [("recall", "taken_down"), ("clarification", "aired")]
    assert next(reversed(outside.hook.events.values()))["type"] == "list.clarified"

    sent = outside.bytes_since_mark()
    hidden = (name_of(11), citizen_number(11))
    assert all(words not in sent for one in hidden for words in writings(one))
    assert any(words in sent for words in writings("系不应纳入而纳入"))

    clear_answers(outside)
    lines = [line for line in outside.report() if line.recall.type == "clarified"]
    assert sorted((line.recipient.slug, line.done is not None) for line in lines) == [
        ("centre", True), ("news", True), ("portal", True), ("station", True),
    ]  # fmt: skip
    # Its days on the portal end, and nothing is said again.
    outside.mark()
    home.clock.advance(days=40)
    work(home)
    letters = outside.letters_by_mail()[outside.mails_seen :] + outside.letters_by_hook()
    assert sum("【请公布】" in letter for letter in letters) == 1, "only what came before"


def clear_answers(outside: Outside) -> None:
    """The editor answers by the page, the station by a file, the centre by a signed answer."""
    (letter,) = [one for one in outside.letters_by_mail() if one.startswith("【请公布】")]
    (link,) = re.findall(rf"{re.escape(GATEWAY)}(/acks/\S+)", letter)
    page = outside.gateway.get(link)
    assert "澄清公告回执" in page.text
    assert "已公布，或者没有播出、发布过" in page.text
    today = day_of(outside.home.clock()).isoformat()
    form = {"kind": "aired", "by": "值班编辑", "day": today, "time": "00:10", "place": "新闻频道"}
    refused = outside.gateway.post(link, data={**form, "kind": "taken_down"})
    assert refused.status_code == 422
    assert outside.gateway.post(link, data=form).status_code == 303
    notices = outside.sftp.root / "notices"
    for file in sorted(notices.glob("*.json")):
        if json.loads(file.read_text(encoding="utf-8"))["facts"].get("type") == "clarified":
            answer = json.dumps({"kind": "aired", "by": "播控室", "place": "滚动字幕"}, ensure_ascii=False)
            (notices / f"{file.stem}.ack.json").write_text(answer, encoding="utf-8")
    (event,) = [one for one in outside.hook.events.values() if one["type"] == "list.clarified"]
    body = json.dumps(
        {"dispatch": event["data"]["dispatch"], "kind": "aired", "by": "运维", "place": "门户首页"}, ensure_ascii=False
    ).encode()
    answered = outside.gateway.post("/acks", data=body, headers=sign_reply(body, outside.home, "answer-2"))
    assert answered.status_code == 200, answered.text
    (letter,) = [one for one in outside.look_at_pull()["letters"] if one["purpose"] == "clarification"]
    reply = {"dispatch": letter["dispatch"], "kind": "aired", "by": "值班员", "place": "办事大厅屏幕"}
    headers = {"Authorization": f"Bearer {outside.token}"}
    assert outside.gateway.post("/pull/acks", json=reply, headers=headers).status_code == 200
    work(outside.home)
