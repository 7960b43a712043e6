"""Settings of the ways to institutions: all or none, and a bad one is a line that does not show it."""

from pathlib import Path
from typing import Any

import asyncssh
import pytest

from notifier.institutions.addresses import MailAddress
from notifier.institutions.settings import (
    BadInstitutionSetting,
    InstitutionSettings,
    Security,
    read_institution_settings,
    remarks,
)

URL = "smtp://court:p%40ss%2Fword@mail.court.example.invalid"
FROM = "测试市人民法院 <list@court.example.invalid>"


def read(**values: str) -> InstitutionSettings:
    return read_institution_settings({f"GONGSHI_{name}": value for name, value in values.items()})


def test_without_settings_mail_is_off_and_says_so() -> None:
    settings = read()
    assert settings == InstitutionSettings()
    assert [line.partition("（")[0] for line in remarks(settings)] == ["邮件未设置", "SFTP 私钥未设置"]


def test_a_mail_server() -> None:
    mail = read(SMTP_URL=URL, MAIL_FROM=FROM).mail
    assert mail is not None
    assert (mail.host, mail.port, mail.security) == ("mail.court.example.invalid", 587, Security.STARTTLS)
    assert (mail.user, mail.password.get_secret_value()) == ("court", "p@ss/word")
    assert (mail.sender_name, mail.sender) == (
        "测试市人民法院",
        MailAddress(local="list", domain="court.example.invalid"),
    )
    assert "p@ss" not in repr(mail)
    assert "p@ss" not in str(mail.model_dump())


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtps://a:b@mail.example.cn?from=x@example.cn", 465, Security.TLS),
        ("smtps://a:b@mail.example.cn:4650/?from=x@example.cn", 4650, Security.TLS),
        ("smtp://a:b@mail.example.cn:25?from=x@example.cn", 25, Security.STARTTLS),
        ("smtp://10.0.0.8:25?from=x@example.cn", 25, Security.STARTTLS),
        ("smtp://127.0.0.1:25?from=x@example.cn", 25, Security.NONE),
        ("smtp://localhost:25?from=x@example.cn", 25, Security.NONE),
        ("smtp://[::1]:25?from=x@example.cn", 25, Security.NONE),
        ("smtp://x%40example.cn:secret@mail.example.cn", 587, Security.STARTTLS),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(url: str, port: int, security: Security) -> None:
    mail = read(SMTP_URL=url).mail
    assert mail is not None
    assert (mail.port, mail.security, str(mail.sender)) == (port, security, "x@example.cn")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MAIL_FROM", {"MAIL_FROM": FROM}),
        ("MAIL_FROM", {"SMTP_URL": URL}),
        ("MAIL_FROM", {"SMTP_URL": URL, "MAIL_FROM": "somebody"}),
        ("MAIL_FROM", {"SMTP_URL": URL, "MAIL_FROM": "x@example.cn\r\nBcc: y@example.cn"}),
        ("MAIL_FROM", {"SMTP_URL": URL, "MAIL_FROM": "名单@example.cn"}),
        ("MAIL_FROM", {"SMTP_URL": f"{URL}?from=x@example.cn", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "mail.example.cn", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "https://mail.example.cn", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://court@mail.example.cn", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://mail.example.cn:99999", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://mail.example.cn:x", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://[::1", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://a..b/", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": f"{URL}/path", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": f"{URL}?tls=no", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": f"{URL}#x", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://court:%E5%8F%A3%E4%BB%A4@mail.example.cn", "MAIL_FROM": FROM}),
        ("SMTP_URL", {"SMTP_URL": "smtp://court:a%0D%0Ab@mail.example.cn", "MAIL_FROM": FROM}),
        ("SFTP_KEY", {"SFTP_KEY": "/nowhere/key"}),
        ("WEBHOOK_LOOPBACK", {"WEBHOOK_LOOPBACK": "1"}),
    ],
)
def test_a_bad_value_is_one_line_that_names_it_and_does_not_show_it(name: str, values: dict[str, str]) -> None:
    with pytest.raises(BadInstitutionSetting, match=f"^设置 GONGSHI_{name} 无效：") as error:
        read(**values)
    said = str(error.value)
    assert "\n" not in said
    assert all(value not in said for value in values.values() if len(value) > len("smtp://"))
    assert error.value.__cause__ is None


def test_a_private_key(private_key: Path) -> None:
    assert read(SFTP_KEY=str(private_key)).sftp_key == private_key


def test_a_private_key_that_cannot_be_used(private_key: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="x"))
    locked.chmod(0o600)
    junk = tmp_path / "junk"
    junk.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    junk.chmod(0o600)
    open_to_all = tmp_path / "open"
    open_to_all.write_bytes(private_key.read_bytes())
    open_to_all.chmod(0o644)
    reasons: dict[Any, str] = {locked: "口令", junk: "不是可以使用的私钥", open_to_all: "chmod 600", tmp_path: ""}
    for file, reason in reasons.items():
        with pytest.raises(BadInstitutionSetting, match=f"GONGSHI_SFTP_KEY 无效：.*{reason}"):
            read(SFTP_KEY=str(file))


def test_the_switch_for_this_machine() -> None:
    assert read(WEBHOOK_LOOPBACK="yes").webhook_loopback
    assert not read(WEBHOOK_LOOPBACK="no").webhook_loopback
    assert "测试和演练" in remarks(read(WEBHOOK_LOOPBACK="yes"))[-1]
