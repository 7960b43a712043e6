"""What people send in: objections and complaints, sealed as they arrive, and the page that tells where one stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from portal.formtokens import NotOurs, TooSoon
from portal.limits import DROP_RULE
from portal.pages import check_parameters
from portal.parameters import BadParameters, Refusal
from portal.problems import build_problem, respond
from portal.public_words import read_state
from portal.sealing import DropFolder, DropUnavailable, seal
from portal.site import get_now, get_profile, get_site
from portal.submitting import COMPLAINT, FILES, OBJECTION, TOKEN, TRAP, BadForm, Form, keep_typed, read_form
from portal.uploads import BadFiles, Sent, read_files
from search_index.number import find_number
from search_index.submission import (
    LARGEST_ATTACHMENT,
    LARGEST_TOGETHER,
    MOST_ATTACHMENTS,
    Attachment,
    Submission,
    draw_code,
    draw_receipt,
    find_code,
    find_receipt,
    token_of,
)

submissions = Blueprint("submissions", __name__)

_MIB = 1024 * 1024
_LARGEST_BODY = LARGEST_TOGETHER + _MIB
_LARGEST_TEXTS = _MIB // 4
_MOST_PARTS = 40
_RETRY_SECONDS = 600
_TOO_SOON = "提交得太快，没有收下。请核对填写的内容，再提交一次。"
_TOO_OLD = "页面打开太久，或者网站重新启动过，没有收下。填写的内容还在，请核对后再提交一次。"
_TRAPPED = "表单中有一个不用填写的栏目被填上了（可能是浏览器自动填写的），没有收下。现在已经清空，请再提交一次。"
_TOO_LARGE = f"附件合计不能超过 {LARGEST_TOGETHER // _MIB} MB。没有收下，请返回上一页，压缩附件或者减少附件后重新提交。"


@submissions.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    """An objection may be begun at an entry, whose public number is then filled in."""
    return check_parameters({"record"} if request.endpoint == "submissions.ask_objection" else set())


@submissions.get("/objections/new")
def ask_objection() -> str | Response:
    record = find_number(request.args.get("record", ""))
    return _ask(OBJECTION, {"reference": record or ""})


@submissions.post("/objections/new")
def send_objection() -> str | Response | tuple[str, int]:
    return _take(OBJECTION)


@submissions.get("/complaints/new")
def ask_complaint() -> str | Response:
    return _ask(COMPLAINT, {})


@submissions.post("/complaints/new")
def send_complaint() -> str | Response | tuple[str, int]:
    return _take(COMPLAINT)


@submissions.get("/objections/state")
def ask_state() -> str:
    return render_template("state.html", reasons={}, asked=False, state=None, typed="")


@submissions.post("/objections/state")
def tell_state() -> str | tuple[str, int]:
    _refuse_other_fields({"receipt", "code"})
    typed = request.form.get("receipt", "")
    receipt, code = find_receipt(typed), find_code(request.form.get("code", ""))
    reasons = {}
    if receipt is None:
        reasons["receipt"] = "受理号有误：SL- 加 12 位字母或数字，请对照回执"
    if code is None:
        reasons["code"] = "查询码有误：10 位字母或数字，请对照回执"
    if receipt is None or code is None:
        return render_template("state.html", reasons=reasons, asked=False, state=None, typed=typed[:60]), 400
    body = get_site().register.subject("submission", token_of(receipt, code), get_now())
    return render_template("state.html", reasons={}, asked=True, state=body and read_state(body), typed="")


def _ask(form: Form, typed: Mapping[str, str]) -> str | Response:
    try:
        _open_drop()
    except DropUnavailable:
        return _tell_closed()
    return _show(form, {**keep_typed(form, {}), **typed}, {})


def _take(form: Form) -> str | Response | tuple[str, int]:
    """Take in what was sent, or show the form again with what is missing."""
    request.max_content_length = _LARGEST_BODY
    request.max_form_memory_size = _LARGEST_TEXTS
    request.max_form_parts = _MOST_PARTS
    try:
        given, sent = request.form, request.files.getlist(FILES)
    except RequestEntityTooLarge:
        return respond(build_problem(413, detail=_TOO_LARGE))
    _refuse_other_fields({question.name for question in form.questions} | {TOKEN, TRAP})
    note = _judge(form, given.get(TOKEN, ""), given.get(TRAP, ""))
    fields, attachments, reasons = _read(
        form,
        given,
        [Sent(name=one.filename or "", declared=one.mimetype, content=one.read()) for one in sent if one.filename],
    )
    if reasons and note == _TOO_SOON:
        note = ""  # there is more to be said than that
    if note or reasons:
        again = any(one.filename for one in sent)
        return _show(form, keep_typed(form, given), reasons, note=note, files_again=again), 400
    return _keep(form, given[TOKEN], fields, attachments)


def _read(
    form: Form, given: Mapping[str, str], sent: list[Sent]
) -> tuple[dict[str, str], tuple[Attachment, ...], dict[str, str]]:
    fields: dict[str, str] = {}
    attachments: tuple[Attachment, ...] = ()
    reasons: dict[str, str] = {}
    try:
        fields = read_form(form, given)
    except BadForm as error:
        reasons.update(error.reasons)
    try:
        attachments = read_files(sent)
    except BadFiles as error:
        reasons[FILES] = "；".join(error.reasons)
    return fields, attachments, reasons


def _keep(form: Form, token: str, fields: dict[str, str], attachments: tuple[Attachment, ...]) -> str | Response:
    site, now = get_site(), get_now()
    # The same form sent twice, by a second touch of the button, is one submission with one receipt.
    chance = site.form_key.derive(form.kind.encode(), token.encode(), _digest(fields, attachments))
    receipt, code = draw_receipt(chance), draw_code(chance)
    submission = Submission(
        kind=form.kind,
        receipt=receipt,
        token=token_of(receipt, code),
        received_at=now,
        fields=fields,
        attachments=attachments,
    )
    try:
        sealed = seal(submission, get_profile().sealing_key)
        if site.gatekeeper is not None and not site.gatekeeper.spend(DROP_RULE, -(-len(sealed) // _MIB)):
            raise DropUnavailable("ceiling")
        _open_drop().put(f"{chance.getrandbits(128):032x}", sealed)
    except DropUnavailable:
        return _tell_closed()
    return render_template(
        "submitted.html", form=form, receipt=receipt, code=code, received_at=now, attachments=len(attachments)
    )


def _open_drop() -> DropFolder:
    """Where to drop what is sent. Raises DropUnavailable where nothing can be taken in."""
    drop = get_site().drop
    if drop is None or not get_profile().sealing_key:
        raise DropUnavailable("not set up")
    drop.check()
    return drop


def _judge(form: Form, token: str, trap: str) -> str:
    """Why a form is not taken although it may be filled in well; empty where it is."""
    if trap:
        return _TRAPPED
    try:
        get_site().form_key.check(form.kind, token, get_now())
    except NotOurs:
        return _TOO_OLD
    except TooSoon:
        return _TOO_SOON
    return ""


def _show(
    form: Form, typed: Mapping[str, str], reasons: Mapping[str, str], *, note: str = "", files_again: bool = False
) -> str:
    site, now = get_site(), get_now()
    token = request.form.get(TOKEN, "") if request.method == "POST" else ""
    try:
        site.form_key.check(form.kind, token, now)
    except NotOurs:
        token = site.form_key.issue(form.kind, now, site.random)
    except TooSoon:
        pass
    return render_template(
        "submission_form.html",
        form=form,
        typed=typed,
        reasons=reasons,
        note=note,
        files_again=files_again,
        token=token,
        token_name=TOKEN,
        trap_name=TRAP,
        files_name=FILES,
        most_files=MOST_ATTACHMENTS,
        largest_file=LARGEST_ATTACHMENT // _MIB,
        largest_together=LARGEST_TOGETHER // _MIB,
    )


def _tell_closed() -> Response:
    detail = "网上提交现在不能使用，您填写的内容没有收下。请稍后再试，或者按下面的方式向法院当面、邮寄或者用电话提出。"
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    problem = build_problem(
        503, title="网上提交暂时不能使用", detail=detail, headers=headers, template="sending_closed.html"
    )
    return respond(problem)


def _refuse_other_fields(known: set[str]) -> None:
    form = dict(request.form.lists())
    if set(form) - known or any(len(values) > 1 for values in form.values()) or set(request.files) - {FILES}:
        # Not even the name of an unknown field is repeated.
        raise BadParameters([Refusal(parameter="表单", reason="表单中有多余的内容，请从本网站的页面重新填写")])


def _digest(fields: Mapping[str, str], attachments: tuple[Attachment, ...]) -> bytes:
    digest = sha256(json.dumps(sorted(fields.items()), ensure_ascii=False).encode())
    for one in attachments:
        digest.update(sha256(one.name.encode()).digest() + sha256(one.content).digest())
    return digest.digest()
