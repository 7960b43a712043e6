"""The channel to followers: template and subscription messages to one, a text without names to all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from notifier.channels import ChatMessage, Dispatch, MassMessage, Outcome
from notifier.states import MessageState
from notifier.wechat.client import HardenedClient, NotKnown, NoToken, NotReached, Refused, WeChatError
from notifier.wechat.outcomes import (
    SENT_BEFORE,
    accepted,
    judge_code,
    judge_token_code,
    not_known,
    not_reached,
    not_sendable,
)
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.templates import MissingField, RegisteredTemplate, fill_in, load_templates
from notifier.wechat.tokens import DatabaseTokenStore

EVERYONE = "all"
_TAG = re.compile(r"tag:([0-9]{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A message to one follower, ready to be sent; `message` is our number of it."""

    openid: str
    message: str
    template: RegisteredTemplate
    data: Mapping[str, Mapping[str, str]]
    url: str | None

    def make(self, client: HardenedClient) -> str | None:
        """WeChat's number of it, where it gives one. Raises WeChatError."""
        if self.template.kind == "subscription":
            return client.post_subscription(self.openid, self.template.id, self.data, page=self.url)
        return client.post_template(self.openid, self.template.id, self.data, url=self.url, client_msg_id=self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatChannel:
    """Sends to an openid, or a MassMessage to `all` (or no address) or to `tag:<number>`.

    `templates` are the registered ones by our names. Not repeatable: WeChat sends a template message with the same
    client_msg_id once, but only for ten minutes, and a subscription message has no such number.
    """

    client: HardenedClient
    templates: Mapping[str, RegisteredTemplate]
    clock: Callable[[], datetime]
    repeatable: bool = False

    def deliver(self, dispatch: Dispatch) -> Outcome:
        match dispatch.content:
            case ChatMessage():
                call = self._prepare(dispatch, dispatch.content)
                return call if isinstance(call, Outcome) else self._deliver_chat(call)
            case MassMessage(text=text):
                return self._deliver_mass(dispatch, text)
            case _:
                return not_sendable("微信不能发送这一类内容")

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """What became of a mass message whose number is known, or of a template message that may have been sent so
        lately that WeChat still knows its client_msg_id; WeChat cannot be asked about any other."""
        match dispatch.content:
            case MassMessage():
                return self._ask_for_mass(reference)
            case ChatMessage():
                return self._ask_for_chat(dispatch, dispatch.content) if reference is None else None
            case _:
                return None

    def _prepare(self, dispatch: Dispatch, content: ChatMessage) -> _Call | Outcome:
        template = self.templates.get(content.template)
        if template is None:
            # It waits for the administrator, who can still register it.
            detail = f"微信模板“{content.template}”尚未登记到公众号"
            return Outcome(state=MessageState.FAILED_TEMPORARY, detail=detail)
        if not dispatch.address:
            return not_sendable("没有接收人")
        try:
            data = fill_in(template, content.fields)
        except MissingField as error:
            return not_sendable(str(error))
        return _Call(openid=dispatch.address, message=dispatch.id, template=template, data=data, url=content.url)

    def _deliver_chat(self, call: _Call) -> Outcome:
        outcome = self._send(lambda: call.make(self.client))
        if outcome.state is not MessageState.UNKNOWN or call.template.kind != "template":
            return outcome
        return self._ask_again(call) or outcome

    def _ask_again(self, call: _Call) -> Outcome | None:
        # The same number is the same message. A refusal says nothing of the first call.
        outcome = self._send(lambda: call.make(self.client))
        return outcome if outcome.state is MessageState.ACCEPTED else None

    def _ask_for_chat(self, dispatch: Dispatch, content: ChatMessage) -> Outcome | None:
        call = self._prepare(dispatch, content)
        if isinstance(call, Outcome) or call.template.kind != "template" or dispatch.begun_at is None:
            return None
        is_known = timedelta(0) <= self.clock() - dispatch.begun_at <= _KNOWN
        return self._ask_again(call) if is_known else None

    def _ask_for_mass(self, reference: str | None) -> Outcome | None:
        if reference is None or not reference.isdigit():
            return None
        try:
            status = self.client.get_mass_status(reference)
        except WeChatError:
            return None
        return _MASS_STATUS.get(status)

    def _deliver_mass(self, dispatch: Dispatch, text: str) -> Outcome:
        address = dispatch.address or EVERYONE
        tag = _TAG.fullmatch(address)
        if tag is None and address != EVERYONE:
            return not_sendable("群发的对象不能识别")
        number = int(tag[1]) if tag else None
        return self._send(lambda: self.client.post_mass_text(text, tag=number, client_msg_id=dispatch.id[:_LONGEST]))

    def _send(self, call: Callable[[], str | None]) -> Outcome:
        try:
            return accepted(call())
        except Refused as error:
            # An earlier attempt at the same mass message had reached WeChat.
            return accepted(error.number) if error.code == SENT_BEFORE else judge_code(error.code, self.clock())
        except NoToken as error:
            return not_reached() if error.code is None else judge_token_code(error.code, self.clock())
        except NotReached:
            return not_reached()
        except NotKnown:
            return not_known()


def open_wechat_channel(settings: WeChatSettings, engine: Engine, clock: Callable[[], datetime]) -> WeChatChannel:
    """The channel of an account, with its token in the notifier's database. Raises BadTemplates."""
    client = HardenedClient(settings, DatabaseTokenStore(engine, clock))
    return WeChatChannel(client=client, templates=load_templates(settings.templates), clock=clock)


# WeChat knows a client_msg_id for ten minutes.
_KNOWN = timedelta(minutes=8)
# WeChat has refused longer ones (45067).
_LONGEST = 32
_MASS_STATUS = {
    "SEND_SUCCESS": Outcome(state=MessageState.DELIVERED, detail="群发已完成"),
    "SENDING": Outcome(state=MessageState.ACCEPTED, detail="群发正在进行"),
    "SEND_FAIL": Outcome(state=MessageState.FAILED_PERMANENT, detail="群发失败"),
    "DELETE": Outcome(state=MessageState.FAILED_PERMANENT, detail="群发已被删除"),
}
