"""What an answer of WeChat means for a message. Pure: codes and the time go in, an Outcome comes out.

No text of WeChat's is passed on: some of its messages repeat what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.channels import Outcome, Stop
from notifier.states import MessageState
from search_index.day import SHANGHAI

_S = MessageState


@dataclass(frozen=True, slots=True)
class _Class:
    """What a code comes to. `stop` is what else stops."""

    state: MessageState
    text: str
    stop: Stop = Stop.NOTHING
    retry_after: timedelta | None = None


def _permanent(text: str) -> _Class:
    return _Class(_S.FAILED_PERMANENT, text)


def _no_address(text: str) -> _Class:
    return _Class(_S.FAILED_PERMANENT, text, stop=Stop.ADDRESS)


def _no_account(text: str) -> _Class:
    # Not the message's fault: it waits until a person has seen to the account.
    return _Class(_S.FAILED_TEMPORARY, text, stop=Stop.CHANNEL)


def _later(text: str, wait: timedelta | None = None) -> _Class:
    return _Class(_S.FAILED_TEMPORARY, text, retry_after=wait)


_MINUTE = timedelta(minutes=1)
DAILY_QUOTA = 45009
SENT_BEFORE = 45065
# WeChat refuses the token itself: a new one may do.
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
_CLASSES: Mapping[int, _Class] = {
    40003: _no_address("接收人标识无效"),
    43004: _no_address("接收人没有关注公众号"),
    43019: _no_address("接收人在黑名单中"),
    43101: _no_address("接收人没有同意接收"),
    48002: _no_address("接收人拒收公众号消息"),
    45015: _permanent("接收人超过48小时没有来过消息"),
    45047: _permanent("客服消息条数已到上限"),
    50002: _permanent("接收人账号受限"),
    40033: _permanent("请求含有不允许的转义"),
    40037: _permanent("模板编号无效"),
    41030: _permanent("跳转页面无效"),
    44002: _permanent("请求为空"),
    45002: _permanent("内容过长"),
    45067: _permanent("消息的标识过长"),
    47001: _permanent("请求不能识别"),
    47003: _permanent("模板的内容不合格式"),
    40013: _no_account("AppID 无效"),
    40125: _no_account("AppSecret 无效"),
    40164: _no_account("本机的地址不在公众平台的IP白名单中"),
    48001: _no_account("公众号没有这一接口的权限"),
    48004: _no_account("公众号的接口被封禁"),
    50001: _no_account("公众号没有获得授权"),
    -1: _later("微信系统繁忙"),
    45011: _later("发送太频繁", _MINUTE),
    45066: _later("同一条群发重试太快", _MINUTE),
    40001: _later("微信不认当前的调用凭证"),
    40014: _later("微信不认当前的调用凭证"),
    42001: _later("微信的调用凭证已过期"),
    41001: _later("缺少微信的调用凭证"),
}


def judge_code(code: int, now: datetime) -> Outcome:
    """The outcome of a message that WeChat answered with this code, other than 0; `now` is aware. A code that is not
    known is a refusal: WeChat did answer."""
    if code == DAILY_QUOTA:
        wait = next_midnight(now) - now
        return Outcome(state=_S.FAILED_TEMPORARY, detail=_detail("当日的调用次数已用完", code), retry_after=wait)
    known = _CLASSES.get(code, _permanent("微信拒绝了这条消息"))
    return Outcome(state=known.state, detail=_detail(known.text, code), stop=known.stop, retry_after=known.retry_after)


def judge_token_code(code: int, now: datetime) -> Outcome:
    """The outcome where WeChat gave no token: the code is about the account, and no message is at fault."""
    if code == 40001:
        # Asked for a token, it means the secret.
        return Outcome(state=_S.FAILED_TEMPORARY, detail=_detail("AppSecret 无效", code), stop=Stop.CHANNEL)
    outcome = judge_code(code, now)
    if outcome.state is _S.FAILED_TEMPORARY:
        return outcome
    return Outcome(state=_S.FAILED_TEMPORARY, detail=_detail("未能取得微信的调用凭证", code))


def accepted(number: str | None) -> Outcome:
    """WeChat took the message; its report comes later. `number` is WeChat's of the message, where it gave one."""
    return Outcome(state=_S.ACCEPTED, detail="微信已接收，待回执", reference=number)


def not_reached() -> Outcome:
    """The call never went out."""
    return Outcome(state=_S.FAILED_TEMPORARY, detail="连接不上微信接口")


def not_known() -> Outcome:
    """The call went out, and what came of it is not known."""
    return Outcome(state=_S.UNKNOWN, detail="请求已发出，没有得到微信的答复")


def not_sendable(detail: str) -> Outcome:
    """Nothing was called: the message cannot be sent as it is."""
    return Outcome(state=_S.FAILED_PERMANENT, detail=detail)


def next_midnight(now: datetime) -> datetime:
    """When WeChat's quotas of the day begin anew: the next midnight in Shanghai."""
    local = now.astimezone(SHANGHAI)
    return local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _detail(text: str, code: int) -> str:
    return f"{text}（微信错误码 {code}）"
