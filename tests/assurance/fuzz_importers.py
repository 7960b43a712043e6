"""Whatever bytes come from outside, given to everything that reads them: the harness that Hypothesis and atheris share.

Each reader either answers or refuses in Chinese; anything else that it raises is a finding. Run by itself it lets
atheris look for one, led by what the code does: `python tests/assurance/fuzz_importers.py -runs=100000` (atheris must
be installed; every option is libFuzzer's).
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Finding(AssertionError):
    """A reader did what no reader may."""


def load() -> Mapping[str, Callable[[bytes], None]]:
    """Every reader, by name. Loaded when called: atheris must come before what it watches."""
    from registry.departing import Grounds, NotPermitted
    from registry.intake import UnrecognisedFile, read_file, write_quarantine
    from registry.intake.loose import loosen, split_number
    from registry.intake.model import FieldError
    from registry.policy import PolicyError, load_policy
    from registry.values import (
        InvalidValue,
        parse_date,
        parse_id_number,
        parse_latin_name,
        parse_name,
        parse_phone,
        parse_text,
        parse_uscc,
    )
    from search_index.casenumber import CaseNumber, find_case_number, find_parts
    from search_index.number import find_number
    from search_index.query import read_question

    def answers(read: Callable[[str], Any], *refusals: type[Exception]) -> Callable[[bytes], None]:
        def feed(data: bytes) -> None:
            try:
                read(data.decode("utf-8", "surrogatepass" if data[:1] == b"\xed" else "replace"))
            except refusals as refusal:
                _require_chinese(refusal)
            except UnicodeDecodeError:
                return

        return feed

    def file(suffix: str) -> Callable[[bytes], None]:
        def feed(data: bytes) -> None:
            with tempfile.TemporaryDirectory() as name:
                path = Path(name, f"file{suffix}")
                path.write_bytes(data)
                try:
                    read_through(path, read_file, write_quarantine)
                except UnrecognisedFile as refusal:
                    _require_chinese(refusal)

        return feed

    def policy(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as name:
            Path(name, "own.toml").write_bytes(data)
            try:
                load_policy("own", Path(name))
            except PolicyError as refusal:
                _require_chinese(refusal)

    def basis(text: str) -> None:
        from datetime import date

        day = date(2026, 1, 1)
        Grounds(ground=None, basis=text, arose_on=day, known_on=day).refuse_unfit_basis()

    words = {
        "date": parse_date,
        "id number": parse_id_number,
        "uscc": parse_uscc,
        "name": parse_name,
        "latin name": parse_latin_name,
        "phone": parse_phone,
        "text": lambda text: parse_text(text, 200),
        "case number": CaseNumber.parse,
    }
    free = {
        "find case": find_case_number,
        "find parts": find_parts,
        "find number": find_number,
        "question": read_question,
    }
    loose = {
        key: lambda text, key=key: split_number(loosen({key: text, "number": text})) for key in ("kind", "conduct")
    }
    return {
        "jsonl": file(".jsonl"),
        "json": file(".json"),
        "csv": file(".csv"),
        "xlsx": file(".xlsx"),
        "policy": policy,
        "basis": answers(basis, NotPermitted),
        **{name: answers(read, InvalidValue) for name, read in words.items()},
        **{name: answers(read) for name, read in free.items()},
        **{f"loose {name}": answers(read, FieldError, InvalidValue) for name, read in loose.items()},
    }


def read_through(path: Path, read_file: Callable[[Path], Any], write_quarantine: Callable[..., Path | None]) -> None:
    """Read a file to its end, and what was refused of it once more out of the quarantine file."""
    intake = read_file(path)
    lines = list(intake.lines)
    refused = [line for line in lines if hasattr(line, "reason")]
    for line in refused:
        _require_chinese(line.reason)
    quarantine = write_quarantine(intake, refused, path.parent, "quarantine")
    if quarantine is None:
        return
    try:
        again = [hasattr(line, "reason") for line in read_file(quarantine).lines]
    except Exception as fault:
        # Where not one line could be told apart as a record, the file as a whole is refused again.
        if type(fault).__name__ != "UnrecognisedFile":
            raise
        return
    # A row refused for its unpaired quotation marks is written with paired ones, and may be read then.
    mended = sum("引号" in line.reason for line in refused)
    if len(again) != len(refused) or again.count(False) > mended:
        raise Finding(f"{len(refused)} refused lines come back as {again.count(True)} refused of {len(again)}")


def _require_chinese(refusal: object) -> None:
    if not CHINESE.search(str(refusal)):
        raise Finding(f"a refusal that is not in Chinese: {refusal!r}")


def seeds() -> dict[str, bytes]:
    """What the fuzzer starts from, by name."""
    found = {path.name: path.read_bytes() for path in sorted((HERE.parent / "fixtures" / "intake").iterdir())}
    return {name: content for name, content in found.items() if len(content) < 1 << 16}


def main(arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["registry", "search_index"]):
        readers = list(load().values())

    def feed(data: bytes) -> None:
        if data:
            readers[data[0] % len(readers)](data[1:])

    with tempfile.TemporaryDirectory() as corpus:
        for place, (name, content) in enumerate(seeds().items()):
            for first in range(4):
                Path(corpus, f"{place}-{first}-{name}").write_bytes(bytes([first]) + content)
        atheris.Setup([sys.argv[0], *arguments, corpus], feed)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1])]
    main(sys.argv[1:])
