"""What Aliyun calls: `/aliyun/<secret>`, with the reports (SmsReport) on what it was given to send.

Aliyun signs nothing. The address is a secret of this home, and a report is believed only where it fits what we know of a
message; see `EventBook.apply_hint`.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, request

from notifier.gateway_twilio import ANSWER_WITHIN, Applier, Apply
from notifier.sms.receipts import LARGEST_BODY, Refused, read_aliyun_reports
from notifier.sms.settings import SmsSettings

REPORT_PATH = "/aliyun/"
# Anything else makes Aliyun send the report again.
_TAKEN = '{"code":0,"msg":"接收成功"}'


def aliyun_gateway(
    settings: SmsSettings, apply: Apply, *, within: float = ANSWER_WITHIN, name: str = "aliyun"
) -> Blueprint:
    """The address; without an account or a secret there is none. Answers within `within` seconds."""
    pages = Blueprint(name, __name__)
    if settings.aliyun is None or settings.aliyun_report_path is None:
        return pages
    secret = settings.aliyun_report_path.get_secret_value().encode()
    applier = Applier(apply, within, "aliyun")

    @pages.post(f"{REPORT_PATH}<given>")
    def report(given: str) -> Response:
        if not hmac.compare_digest(given.encode("utf-8", "replace"), secret):
            return Response(status=404)
        request.max_content_length = LARGEST_BODY
        events = read_aliyun_reports(request.get_data(cache=False, parse_form_data=False))
        if isinstance(events, Refused):
            return Response(status=events.status)
        if events and not applier.apply(events):
            return Response(status=503, headers={"Retry-After": "30"})
        return Response(_TAKEN, mimetype="application/json", headers={"Cache-Control": "no-store"})

    return pages
