#!/usr/bin/env python3
"""Keep a copy of the public list in a folder: written from docs/open-data.md alone. Python 3.9 or newer, nothing else.

    SITE=https://list.court.example KEY=gsr_… follow.py [--once] [--poll SECONDS] FOLDER
    follow.py --show FOLDER        the copy as JSON Lines, without what has ended

The copy and the sequence are rows of one SQLite file, so one transaction moves both.
"""

import argparse
import fcntl
import hashlib
import http.client
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS copy (record TEXT PRIMARY KEY, ends REAL, entry TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS copy_ends ON copy (ends);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER);
CREATE TEMP TABLE staged (record TEXT PRIMARY KEY, ends REAL, entry TEXT NOT NULL);
"""
LONGER_THAN_A_POLL = 90
ACKNOWLEDGE_AGAIN = 600


class Later(Exception):
    """Nothing can be done now; try again after `seconds`, or after the usual time."""

    def __init__(self, why, seconds=None):
        super().__init__(why)
        self.seconds = seconds


class Refused(Exception):
    """The server will not answer this however often it is asked."""


class StaysHere(urllib.request.HTTPRedirectHandler):
    """The key is for one site: no redirection is followed."""

    def redirect_request(self, *_):
        return None


class Copy:
    """The list as far as it is known, and the sequence up to which it is."""

    def __init__(self, folder):
        self.database = sqlite3.connect(str(folder / "list.db"), isolation_level=None, timeout=60)
        self.database.execute("PRAGMA secure_delete = ON")
        self.has_traces = True  # for all that is known: whoever went before may have been killed
        self.database.executescript(TABLES)

    @contextmanager
    def transaction(self):
        self.database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def get(self, name):
        found = self.database.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return found and found[0]

    def set(self, **values):
        self.database.executemany("REPLACE INTO state VALUES (?, ?)", list(values.items()))

    def put(self, entry, table="copy"):
        row = (entry["record"], read_instant(entry["visible_until"]), json.dumps(entry, ensure_ascii=False))
        self.database.execute(f"REPLACE INTO {table} VALUES (?, ?, ?)", row)

    def delete(self, record):
        self.has_traces |= self.database.execute("DELETE FROM copy WHERE record = ?", (record,)).rowcount > 0

    def delete_all(self):
        with self.transaction():
            self.database.execute("DELETE FROM copy")
            self.set(since=None, owed=0)
        self.has_traces = True

    def delete_ended(self):
        self.has_traces |= self.database.execute("DELETE FROM copy WHERE ends <= ?", (time.time(),)).rowcount > 0

    def sweep(self):
        """Write the file anew if something was deleted: bytes of a row stay behind in pages that were rearranged."""
        if self.has_traces:
            self.database.execute("VACUUM")
            self.has_traces = False

    def seconds_to_next_end(self):
        (first,) = self.database.execute("SELECT min(ends) FROM copy").fetchone()
        return float("inf") if first is None else max(0.0, first - time.time())

    def read(self):
        found = self.database.execute(
            "SELECT entry FROM copy WHERE ends IS NULL OR ends > ? ORDER BY record", (time.time(),)
        )
        return (entry for (entry,) in found)


class Follower:
    """One reader of one site."""

    def __init__(self, site, key, copy, options):
        self.site = site.rstrip("/")
        self.key = key
        self.copy = copy
        self.options = options
        self.opener = urllib.request.build_opener(StaysHere())
        self.acknowledge_after = 0.0
        self.told = (0, 0.0)  # what a suspension was answered with, and when

    def follow(self):
        """Follow for ever; with --once until the copy is up to date and every departure is acknowledged."""
        while True:
            self.copy.delete_ended()
            try:
                if self.copy.get("since") is None:
                    self.take_snapshot()
                if self.take_page():
                    self.copy.sweep()
                    self.acknowledge()
                    if self.options.once and not self.copy.get("owed"):
                        return
            except Later as later:
                sys.stderr.write(f"{later}\n")
                self.pause(self.options.retry if later.seconds is None else later.seconds)

    def take_snapshot(self):
        """Replace the copy by the whole list, or leave it as it is if what came is not whole."""
        with self.ask("snapshot") as answer, self.copy.transaction():
            self.copy.database.execute("DELETE FROM staged")
            digest, entries, head, end = hashlib.sha256(), 0, None, None
            for line in read_lines(answer):
                item = read_json(line)
                if end is not None:
                    raise Later("the snapshot goes on after its end")
                if item["type"] == "end":
                    end = item
                    continue
                digest.update(line)
                if item["type"] == "head":
                    head = item
                elif item["type"] == "entry":
                    entries += 1
                    self.copy.put(item["entry"], "staged")
            if head is None or end is None:
                raise Later("the snapshot broke off")
            if (end["entries"], end["sha256"]) != (entries, digest.hexdigest()):
                raise Later("the snapshot is not what was sent")
            self.copy.database.execute("DELETE FROM copy")
            self.copy.database.execute("INSERT INTO copy SELECT * FROM staged")
            self.copy.database.execute("DELETE FROM staged")
            self.copy.delete_ended()
            # Whatever left the list before this sequence is not in this copy.
            self.copy.set(since=head["sequence"], owed=head["sequence"] if head["acked"] < head["sequence"] else 0)

    def take_page(self):
        """Carry out the next changes; whether the copy is now up to date."""
        since = self.copy.get("since")
        wait = 0 if self.options.once else int(min(self.options.poll, self.copy.seconds_to_next_end()))
        asked = time.monotonic()
        with self.ask(f"changes?since={since}&limit=1000" + (f"&wait={wait}" if wait else "")) as answer:
            if answer.code == 410:
                self.copy.delete_all()
                return False
            page = read_json(read_all(answer))
        after, head, changes = page["meta"]["next"], page["meta"]["head"], page["changes"]
        expected = list(range(since + 1, since + 1 + len(changes)))
        if [one["sequence"] for one in changes] != expected or after != since + len(changes):
            raise Later("a page with a gap, or of another question")
        with self.copy.transaction():
            for one in changes:
                if one["entry"] is None:
                    self.copy.delete(one["record"])
                else:
                    self.copy.put(one["entry"])
            self.copy.delete_ended()
            self.copy.set(since=after)
            if any(one["type"] == "gone" for one in changes):
                self.copy.set(owed=after)
        if changes or self.options.once:
            return after >= head
        if not wait:
            self.pause(min(self.options.every, max(1.0, self.copy.seconds_to_next_end())))
        elif time.monotonic() - asked < wait - 0.5:
            self.pause(5)
        return True

    def acknowledge(self):
        """Tell the court that every departure so far was carried out, if there was one."""
        owed = self.copy.get("owed")
        if not owed or time.monotonic() < self.acknowledge_after:
            if owed and self.options.once:
                self.pause(5)
            return
        try:
            if self.post_ack(owed):
                self.copy.set(owed=0)
            else:  # not so many changes: the list was restored, and the next question will be answered so
                self.acknowledge_after = time.monotonic() + self.options.retry
        except Later as later:
            # Following goes on meanwhile: the next departure is more urgent than the word about the last.
            sys.stderr.write(f"{later}\n")
            seconds = self.options.retry if later.seconds is None else later.seconds
            self.acknowledge_after = time.monotonic() + seconds

    def carry_out_listed(self, answer):
        """The reading is suspended: carry out what is overdue, say so, and wait until that is counted."""
        problem = read_json(read_all(answer))
        if not problem["type"].endswith("#problem-suspended"):
            raise Refused(f"answered 403: {problem}")
        since = self.copy.get("since") or 0
        departures = problem["departures"]
        for one in departures:
            # What was carried out before may have been listed again since.
            if one["sequence"] > since:
                self.copy.delete(one["record"])
        self.copy.sweep()
        if departures:
            last, (told, at) = departures[-1]["sequence"], self.told
            if last != told or time.monotonic() - at > ACKNOWLEDGE_AGAIN:
                self.post_ack(last)
                self.told = (last, time.monotonic())
        raise Later("suspended until the acknowledgement is counted", self.options.every)

    def post_ack(self, sequence):
        with self.ask("acks", {"sequence": sequence}) as answer:
            read_all(answer)
            return answer.code == 202

    def ask(self, path, body=None):
        """The answer to a request, if it is one to go on with: 200, 202, 409 or 410."""
        request = urllib.request.Request(f"{self.site}/api/v1/{path}", headers={"Authorization": f"Bearer {self.key}"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            answer = self.opener.open(request, timeout=LONGER_THAN_A_POLL)
        except urllib.error.HTTPError as error:
            answer = error
        except (OSError, http.client.HTTPException) as error:
            raise Later(f"no answer: {error}") from None
        if answer.code in (200, 202, 409, 410):
            return answer
        with answer:
            if answer.code == 403:
                self.carry_out_listed(answer)
            if answer.code == 429 or answer.code >= 500:
                after = answer.headers.get("Retry-After", "")
                raise Later(f"answered {answer.code}", int(after) if after.isdigit() else None)
            raise Refused(f"answered {answer.code}: {read_all(answer)[:2000].decode(errors='replace')}")

    def pause(self, seconds):
        """Wait, and let no entry stay beyond its end meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.copy.delete_ended()
            time.sleep(min(left, 1.0))


def read_all(answer):
    """The whole body, or Later where the connection broke off."""
    try:
        return answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Later(f"the answer broke off: {error}") from None


def read_lines(answer):
    """Each line of the body with its end, or Later where the connection broke off."""
    try:
        yield from answer
    except (OSError, http.client.HTTPException) as error:
        raise Later(f"the answer broke off: {error}") from None


def read_json(content):
    try:
        return json.loads(content)
    except ValueError:
        raise Later("the answer broke off: it is no JSON") from None


def read_instant(text):
    """Seconds since 1970 of a time with offset; None of None."""
    return text and datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    parser = argparse.ArgumentParser(description="Keep a copy of the public list in a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", action="store_true", help="print the copy and do nothing else")
    parser.add_argument("--since", action="store_true", help="print how far the copy is and do nothing else")
    parser.add_argument("--once", action="store_true", help="end when the copy is up to date")
    parser.add_argument("--poll", type=int, default=30, help="seconds of long polling, 0 for none (30)")
    parser.add_argument("--every", type=float, default=60, help="seconds between questions without it (60)")
    parser.add_argument("--retry", type=float, default=30, help="seconds after a failure that names none (30)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.show:
        for entry in Copy(options.folder).read():
            sys.stdout.write(f"{entry}\n")
        return None
    if options.since:
        sys.stdout.write(f"{Copy(options.folder).get('since') or 0}\n")
        return None
    with (options.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            Follower(os.environ["SITE"], os.environ["KEY"], Copy(options.folder), options).follow()
        except Refused as refused:
            return str(refused)
        except KeyError as missing:
            return f"{missing} is not set"
    return None


if __name__ == "__main__":
    sys.exit(main())
