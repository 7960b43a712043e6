"""The work lists: how many stand where, a page of each, and one record found by number, case or name."""

from __future__ import annotations

from flask import Blueprint, abort, request

from registry.deadlines import RULE_LABEL, Rule
from registry.desk import completing
from registry.desk.access import Access
from registry.desk.base import Desk, acts, note_read, reads, show
from registry.desk.forms import Refused, read_line
from registry.worklists import (
    LIST_LABEL,
    MOST_FOUND,
    PROPOSALS,
    PROPOSALS_LABEL,
    NoSuchList,
    count_lists,
    list_proposals,
    list_stage,
    search,
)

_LARGEST_ID = 2**31 - 1


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /work, /work/<list>; POST /work/search."""

    @reads(pages, "/work", Access.READ)
    def worklists() -> str:
        with desk.court.reading() as session:
            counts = count_lists(session)
        return show("worklists", counts=counts, labels=LIST_LABEL, proposals=PROPOSALS_LABEL)

    @reads(pages, "/work/<name>", Access.READ)
    def worklist(name: str) -> str:
        after = read_after()
        with desk.court.session() as session:
            if name == PROPOSALS:
                waiting, total = list_proposals(session, after=after), count_lists(session)[PROPOSALS]
                note_read(session, f"work/{PROPOSALS}")
                return show("worklist_proposals", title=PROPOSALS_LABEL, waiting=waiting, after=after, total=total)
            try:
                found = list_stage(session, name, after=after)
            except NoSuchList:
                abort(404)
            total = count_lists(session)[name]
            note_read(session, f"work/{name}")
        return show(
            "worklist", name=name, title=LIST_LABEL[name], page=found, total=total, after=after, rule_label=rule_label
        )

    # By POST: a name does not belong into an address, which browsers and proxies keep.
    @acts(pages, "/work/search", Access.READ)
    def find() -> tuple[str, int]:
        try:
            typed = read_line(request.form, "q", "记录编号、案号或者姓名、名称", most=100)
        except Refused as error:
            return show("worklist_found", problem=str(error), typed="", lines=(), most=MOST_FOUND), 400
        with desk.court.session() as session:
            lines = search(session, typed)
            note_read(session, "work/search")
        return show("worklist_found", typed=typed, lines=lines, most=MOST_FOUND, rule_label=rule_label), 200

    completing.add_pages(pages, desk)


def read_after() -> int | None:
    """The row after which a page begins, as the address says; None where it says nothing or nonsense."""
    return read_row("after")


def read_row(name: str) -> int | None:
    """A row that the address names; None where it names none, or nonsense."""
    typed = request.args.get(name, "")
    return (
        int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 10 and int(typed) <= _LARGEST_ID else None
    )


def rule_label(rule: str) -> str:
    """What a deadline is called on a page."""
    return RULE_LABEL.get(Rule(rule), rule) if rule in set(Rule) else rule
