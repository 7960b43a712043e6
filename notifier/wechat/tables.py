"""What is kept for WeChat: who follows what, which messages have been answered, and the token of the account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from notifier.tables import Base


class WeChatFollowerRow(Base):
    """That a follower follows a digest: the whole list's, or a district's. Nothing else is kept of anybody."""

    __tablename__ = "wechat_follower"

    openid: Mapped[str] = mapped_column(String(64), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class WeChatSeenRow(Base):
    """A message or event that has arrived, by a digest that names nobody, for as long as it could arrive again."""

    __tablename__ = "wechat_seen"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class WeChatTokenRow(Base):
    """The access token of an account. Whoever fetches a new one holds `renewal` until `renewal_until`."""

    __tablename__ = "wechat_token"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    renewal: Mapped[str | None] = mapped_column(String(32))
    renewal_until: Mapped[datetime | None]
