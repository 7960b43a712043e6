"""What providers say, in the terms of the outbox. Pure tables; a word on the desk never repeats what a provider wrote.

`elsewhere` in a verdict says that the message was clearly not accepted and that another provider might take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from notifier.channels import Outcome, Stop
from notifier.states import MessageState

TWILIO = "twilio"
ALIYUN = "aliyun"
LABELS = {TWILIO: "Twilio", ALIYUN: "阿里云短信"}
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An outcome, and whether another provider may be tried at once."""

    outcome: Outcome
    elsewhere: bool = False


class _Class(Enum):
    # Nothing more to this number.
    ADDRESS = auto()
    # This message will never be taken; others will.
    MESSAGE = auto()
    # No message will be taken until a person has seen to the account. The message itself waits.
    CHANNEL = auto()
    # Later, and another provider may take it now.
    LATER = auto()
    # Later, to this number: it has had enough for now, from whomever.
    LATER_NUMBER = auto()


_UNKNOWN_DETAIL = "未能得知是否受理，需核实"

# Twilio's answers to a send. https://www.twilio.com/docs/api/errors
_TWILIO_REFUSALS = {
    21211: (_Class.ADDRESS, "接收号码无效"),
    21214: (_Class.ADDRESS, "接收号码无法接通"),
    21217: (_Class.ADDRESS, "接收号码无效"),
    21408: (_Class.ADDRESS, "账号未开通该地区"),
    21610: (_Class.ADDRESS, "接收人已退订"),
    21612: (_Class.ADDRESS, "没有通往该号码的路由"),
    21614: (_Class.ADDRESS, "不是可以接收短信的手机号码"),
    21602: (_Class.MESSAGE, "短信没有正文"),
    21604: (_Class.MESSAGE, "短信没有接收号码"),
    21608: (_Class.MESSAGE, "试用账号只能发往已验证的号码"),
    21617: (_Class.MESSAGE, "短信超过 1600 个字符"),
    20404: (_Class.MESSAGE, "请求的资源不存在"),
    20003: (_Class.CHANNEL, "账号或密钥未通过验证"),
    20005: (_Class.CHANNEL, "账号已停用"),
    21212: (_Class.CHANNEL, "发送号码无效"),
    21603: (_Class.CHANNEL, "没有设置发送号码"),
    21606: (_Class.CHANNEL, "发送号码不能发送短信"),
    21659: (_Class.CHANNEL, "发送号码不属于本账号"),
    21703: (_Class.CHANNEL, "消息服务没有发送号码"),
    30002: (_Class.CHANNEL, "账号已停用"),
    20429: (_Class.LATER, "请求过于频繁"),
    21611: (_Class.LATER, "发送号码的队列已满"),
    30001: (_Class.LATER, "发送队列已满"),
}
# What became of a message that Twilio had accepted. The number is of attempts in all, after which it is given up.
_TWILIO_FAILURES = {
    30002: (_Class.CHANNEL, "账号已停用", 0, timedelta()),
    30004: (_Class.ADDRESS, "对方拒收", 0, timedelta()),
    30005: (_Class.ADDRESS, "号码不存在或已停用", 0, timedelta()),
    30006: (_Class.ADDRESS, "固定电话或运营商不可达", 0, timedelta()),
    21610: (_Class.ADDRESS, "接收人已退订", 0, timedelta()),
    21211: (_Class.ADDRESS, "接收号码无效", 0, timedelta()),
    21614: (_Class.ADDRESS, "不是可以接收短信的手机号码", 0, timedelta()),
    30007: (_Class.MESSAGE, "被运营商过滤", 0, timedelta()),
    30034: (_Class.MESSAGE, "发送号码未登记", 0, timedelta()),
    30001: (_Class.LATER, "发送队列已满", 5, timedelta(minutes=15)),
    30017: (_Class.LATER, "运营商拥塞", 5, timedelta(minutes=15)),
    30003: (_Class.LATER, "手机关机或不在服务区", 4, timedelta(hours=6)),
    30008: (_Class.LATER, "原因不明", 2, timedelta(hours=1)),
}
# Meanings of codes may change: one that is not known is tried again a few times.
_TWILIO_OTHER_FAILURE = (_Class.LATER, "未送达", 3, timedelta(hours=1))
_TWILIO_UNDER_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})

# https://help.aliyun.com/document_detail/101346.html
_ALIYUN_REFUSALS = {
    "isv.MOBILE_NUMBER_ILLEGAL": (_Class.ADDRESS, "接收号码无效"),
    "isv.MOBILE_COUNT_OVER_LIMIT": (_Class.MESSAGE, "接收号码过多"),
    "isv.BLACK_KEY_CONTROL_LIMIT": (_Class.MESSAGE, "内容含有禁止发送的词语"),
    "isv.SMS_CONTENT_ILLEGAL": (_Class.MESSAGE, "内容禁止发送"),
    "isv.SMS_TEMPLATE_ILLEGAL": (_Class.MESSAGE, "模板未登记或未通过审核"),
    "isv.TEMPLATE_MISSING_PARAMETERS": (_Class.MESSAGE, "模板变量不全"),
    "isv.TEMPLATE_PARAMS_ILLEGAL": (_Class.MESSAGE, "模板变量不合要求"),
    "isv.PARAM_LENGTH_LIMIT": (_Class.MESSAGE, "模板变量过长"),
    "isv.PARAM_NOT_SUPPORT_URL": (_Class.MESSAGE, "模板变量不得含网址"),
    "isv.INVALID_PARAMETERS": (_Class.MESSAGE, "参数不合要求"),
    "isv.INVALID_JSON_PARAM": (_Class.MESSAGE, "参数不合要求"),
    "isv.SMS_SIGNATURE_ILLEGAL": (_Class.CHANNEL, "短信签名未登记或未通过审核"),
    "isv.SMS_SIGN_ILLEGAL": (_Class.CHANNEL, "短信签名禁止使用"),
    "isv.SIGN_STATE_ILLEGAL": (_Class.CHANNEL, "短信签名不可用"),
    "isv.AMOUNT_NOT_ENOUGH": (_Class.CHANNEL, "余额不足"),
    "isv.OUT_OF_SERVICE": (_Class.CHANNEL, "业务停机"),
    "isv.ACCOUNT_ABNORMAL": (_Class.CHANNEL, "账号异常"),
    "isv.ACCOUNT_NOT_EXISTS": (_Class.CHANNEL, "账号不存在"),
    "isv.PRODUCT_UN_SUBSCRIPT": (_Class.CHANNEL, "未开通短信服务"),
    "isv.PRODUCT_UNSUBSCRIBE": (_Class.CHANNEL, "未开通短信服务"),
    "isv.DENY_IP_RANGE": (_Class.CHANNEL, "本机网址所在地区被禁用"),
    "isv.MONTH_LIMIT_CONTROL": (_Class.CHANNEL, "已达账号的月发送限额"),
    "isp.RAM_PERMISSION_DENY": (_Class.CHANNEL, "访问密钥没有发送权限"),
    "SignatureDoesNotMatch": (_Class.CHANNEL, "访问密钥未通过验证"),
    "IncompleteSignature": (_Class.CHANNEL, "访问密钥未通过验证"),
    "InvalidAccessKeyId.NotFound": (_Class.CHANNEL, "访问密钥不存在"),
    "InvalidAccessKeyId.Inactive": (_Class.CHANNEL, "访问密钥已停用"),
    "InvalidTimeStamp.Expired": (_Class.CHANNEL, "本机时钟与服务商相差过大"),
    "Forbidden.RAM": (_Class.CHANNEL, "访问密钥没有发送权限"),
    "isp.SYSTEM_ERROR": (_Class.LATER, "服务商系统繁忙"),
    "ServiceUnavailable": (_Class.LATER, "服务商暂不可用"),
    "isv.DAY_LIMIT_CONTROL": (_Class.LATER, "已达账号的日发送限额"),
    "isv.BUSINESS_LIMIT_CONTROL": (_Class.LATER_NUMBER, "该号码已达发送频率上限"),
}
_ALIYUN_LIMITS = (("分钟", timedelta(minutes=1)), ("小时", timedelta(hours=1)), ("天", timedelta(days=1)))
# Codes of carriers are hundreds and not agreed upon; these say that the holder or the carrier wants nothing.
_ALIYUN_ADDRESS_FAILURES = frozenset({"MOBILE_IN_BLACK", "BLACK", "MOBILE_NOT_ON_SERVICE", "MN:0001", "USER_REJECT"})


def not_reached(provider: str) -> Verdict:
    """No connection came about: nothing can have been accepted."""
    return _later(provider, "未能连接，短信没有发出")


def unreadable(provider: str) -> Verdict:
    """The request went out, and what came of it cannot be known."""
    return Verdict(outcome=Outcome(state=MessageState.UNKNOWN, detail=f"{LABELS[provider]}：{_UNKNOWN_DETAIL}"))


def not_known_there(provider: str) -> Outcome:
    """The provider was asked, and has no such message: it may be sent again."""
    return Outcome(state=MessageState.FAILED_TEMPORARY, detail=f"{LABELS[provider]}：经查询没有受理过这条短信")


def refused_here(provider: str, reason: str) -> Verdict:
    """This message was not offered to the provider, which would refuse it."""
    return _verdict(provider, _Class.MESSAGE, reason, None, "")


def read_retry_after(value: str | None) -> timedelta | None:
    """A Retry-After header in seconds, at most a day; None for another form, or none."""
    if value is None or not value.strip().isascii() or not value.strip().isdigit():
        return None
    return timedelta(seconds=min(int(value.strip()[:9]), int(_LONGEST_WAIT.total_seconds())))


def twilio_refusal(status: int, code: int | None, retry_after: timedelta | None) -> Verdict:
    """Twilio's refusal of a send: HTTP status and error code.

    A POST to Messages is not idempotent: after 5xx, 408 and a redirect nobody knows. A 4xx with a code that is not
    known is final.
    """
    if status == 429:
        return _later(TWILIO, "请求过于频繁", retry_after)
    if status == 408 or not 400 <= status < 500:
        return unreadable(TWILIO)
    if code in _TWILIO_REFUSALS:
        kind, reason = _TWILIO_REFUSALS[code]
    elif status in (401, 403, 404, 407):
        # Of the account or of the way there, not of the message: an address that is wrong, a proxy that wants to know us.
        kind, reason = _Class.CHANNEL, f"账号、地址或代理设置有误，HTTP {status}"
    else:
        kind, reason = _Class.MESSAGE, "拒绝受理"
    return _verdict(TWILIO, kind, reason, retry_after, _number(code))


def twilio_status(status: str | None, code: int | None, attempt: int, reference: str | None) -> Outcome | None:
    """What a status of Twilio says of attempt number `attempt` (from 1); None for what is no status of a sent SMS."""
    if status in _TWILIO_UNDER_WAY:
        return Outcome(state=MessageState.ACCEPTED, detail="Twilio 已受理", reference=reference)
    if status in ("delivered", "read"):
        return Outcome(state=MessageState.DELIVERED, detail="Twilio：已送达手机", reference=reference)
    if status == "canceled":
        return Outcome(state=MessageState.FAILED_PERMANENT, detail="Twilio：已在服务商处取消", reference=reference)
    if status in ("failed", "undelivered"):
        return _twilio_failure(code, attempt, reference)
    return None


def aliyun_answer(
    status: int, code: str | None, message: str, reference: str | None, retry_after: timedelta | None = None
) -> Verdict:
    """Aliyun's answer to a send. A business failure comes with HTTP 200: `code` decides, not `status`.

    An answer without a code, and a server error that names none of the known reasons, leave the end unknown; so does
    SignatureNonceUsed, for then the same request was seen before.
    """
    if code == "OK" and status == 200:
        accepted = Outcome(state=MessageState.ACCEPTED, detail="阿里云短信已受理", reference=reference)
        return Verdict(outcome=accepted)
    if not code or code == "SignatureNonceUsed" or reference:
        return unreadable(ALIYUN)
    if code in _ALIYUN_REFUSALS:
        kind, reason = _ALIYUN_REFUSALS[code]
        wait = _aliyun_limit(message) if kind is _Class.LATER_NUMBER else retry_after
        return _verdict(ALIYUN, kind, reason, wait, code)
    if code.startswith("Throttling") or status == 429:
        return _verdict(ALIYUN, _Class.LATER, "请求过于频繁", retry_after, "Throttling")
    if status >= 500:
        return unreadable(ALIYUN)
    # The code is the provider's word and is shown only where it is one of the known ones.
    return _verdict(ALIYUN, _Class.MESSAGE, "拒绝受理", None, "")


def aliyun_status(send_status: int, code: str, reference: str | None) -> Outcome | None:
    """What QuerySendDetails says of a message: 1 waiting for its receipt, 2 failed, 3 delivered."""
    if send_status == 1:
        return Outcome(state=MessageState.ACCEPTED, detail="阿里云短信已受理", reference=reference)
    if send_status == 2:
        return aliyun_report(success=False, code=code, reference=reference)
    if send_status == 3:
        return aliyun_report(success=True, code=code, reference=reference)
    return None


def aliyun_report(*, success: bool, code: str, reference: str | None) -> Outcome:
    """What a delivery report (SmsReport) says."""
    if success:
        return Outcome(state=MessageState.DELIVERED, detail="阿里云短信：已送达手机", reference=reference)
    unwanted = code in _ALIYUN_ADDRESS_FAILURES
    return Outcome(
        state=MessageState.FAILED_PERMANENT,
        detail="阿里云短信：号码不存在或对方拒收" if unwanted else "阿里云短信：运营商未送达",
        reference=reference,
        stop=Stop.ADDRESS if unwanted else Stop.NOTHING,
    )


def _twilio_failure(code: int | None, attempt: int, reference: str | None) -> Outcome:
    kind, reason, most, wait = _TWILIO_FAILURES.get(code or 0, _TWILIO_OTHER_FAILURE)
    again = kind is _Class.LATER and attempt < most
    return Outcome(
        state=MessageState.FAILED_TEMPORARY if again else MessageState.FAILED_PERMANENT,
        detail=_detail(TWILIO, reason, _number(code)),
        reference=reference,
        retry_after=wait if again else None,
        stop={_Class.ADDRESS: Stop.ADDRESS, _Class.CHANNEL: Stop.CHANNEL}.get(kind, Stop.NOTHING),
    )


def _verdict(provider: str, kind: _Class, reason: str, retry_after: timedelta | None, code: str) -> Verdict:
    final = kind in (_Class.ADDRESS, _Class.MESSAGE)
    outcome = Outcome(
        state=MessageState.FAILED_PERMANENT if final else MessageState.FAILED_TEMPORARY,
        detail=_detail(provider, reason, code),
        retry_after=None if final else retry_after,
        stop={_Class.ADDRESS: Stop.ADDRESS, _Class.CHANNEL: Stop.CHANNEL}.get(kind, Stop.NOTHING),
    )
    return Verdict(outcome=outcome, elsewhere=kind in (_Class.CHANNEL, _Class.LATER))


def _later(provider: str, reason: str, retry_after: timedelta | None = None) -> Verdict:
    return _verdict(provider, _Class.LATER, reason, retry_after, "")


def _aliyun_limit(message: str) -> timedelta:
    # 触发分钟级流控Permits:1, 触发小时级流控Permits:5, 触发天级流控Permits:10
    return next((wait for word, wait in _ALIYUN_LIMITS if word in message), timedelta(hours=1))


def _number(code: int | None) -> str:
    return str(code) if isinstance(code, int) and 10_000 <= code <= 99_999 else ""


def _detail(provider: str, reason: str, code: str) -> str:
    return f"{LABELS[provider]}：{reason}" + (f"（{code}）" if code else "")
