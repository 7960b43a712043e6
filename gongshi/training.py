"""Homes for training, and what keeps them apart from real ones: which a home is stands from its first record on, no account
of a provider is known in one for training, and nothing of it is sent off this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.settings import BadSetting
from notifier.institutions.addresses import is_loopback_name
from notifier.institutions.settings import MAIL_FROM, SFTP_KEY, SMTP_URL, InstitutionSettings
from registry import journal
from registry.tables import BatchRow, JournalHeadRow, RecordRow
from search_index.modes import touch_private
from search_index.profile import Profile

MARKER = "training"
# Whatever of these is set belongs to an account that somebody pays for, or that citizens follow.
_ACCOUNTS = ("GONGSHI_TWILIO_", "GONGSHI_ALIYUN_", "GONGSHI_WECHAT_")
# What leads to databases, folders and people of the home that it is set for.
_OF_A_HOME = (
    "GONGSHI_REGISTRY_URL",
    "GONGSHI_DISCLOSED_URL",
    "GONGSHI_NOTIFIER_URL",
    "GONGSHI_WITNESS_FOLDER",
    "GONGSHI_BACKUP_FOLDER",
    "GONGSHI_JOURNAL_EXPORT_FOLDER",
    "GONGSHI_ALARM_MAIL",
    "GONGSHI_TRIAL",
    SMTP_URL,
    MAIL_FROM,
    SFTP_KEY,
)


class KindFixed(Exception):
    """A home for training cannot become a real one, nor a real one one for training. The message is for the administrator."""


def list_accounts(environ: Mapping[str, str]) -> list[str]:
    """The names of the settings of providers' accounts that are set in `environ`."""
    return sorted(name for name, value in environ.items() if name.startswith(_ACCOUNTS) and value.strip())


def refuse_real(environ: Mapping[str, str], institutions: InstitutionSettings) -> None:
    """Raises BadSetting, with a line that names the settings and no value, where they are not for a home in training."""
    if accounts := list_accounts(environ):
        raise BadSetting(f"演练的数据目录不得使用真实的账号：请先去掉设置 {'、'.join(accounts)}，或者换一个数据目录")
    if institutions.mail is not None and not is_loopback_name(institutions.mail.host):
        raise BadSetting(f"演练的数据目录只能用本机的邮件服务器：请去掉设置 {SMTP_URL}，或者改为 127.0.0.1")


def take_away_accounts(environ: MutableMapping[str, str]) -> list[str]:
    """Take the accounts, databases and folders of another home out of `environ`; the names of those that were there."""
    found = [*list_accounts(environ), *(name for name in _OF_A_HOME if environ.get(name))]
    for name in found:
        del environ[name]
    return found


def refuse_other_kind(session: Session, private: Path, wished: Profile) -> None:
    """Raises KindFixed where `wished` would make a real home of one for training, or the other way round. Until its first
    record a home may be either, unless it was made for training."""
    known = journal.newest_profile(session)
    if wished.training == known.training:
        return
    if known.training and (private / MARKER).exists():
        raise KindFixed("这个数据目录是为演练建立的，永远不能改为正式使用：请另建一个")
    if _is_used(session):
        if known.training:
            raise KindFixed("这个数据目录已有演练记录，不能改为正式使用：请另建一个（gongshi init）")
        raise KindFixed("这个数据目录已有正式记录，不能改为演练：请另建一个（gongshi training）")


def mark_for_good(private: Path) -> None:
    """Have the home know that it was made for training, whatever becomes of its databases. Raises OSError."""
    touch_private(private / MARKER)


def _is_used(session: Session) -> bool:
    head = session.get(JournalHeadRow, 1)
    return bool(head and head.sequence) or any(
        session.scalar(select(table.id).limit(1)) is not None for table in (RecordRow, BatchRow)
    )
