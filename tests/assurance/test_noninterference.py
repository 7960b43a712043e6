"""Whatever a court keeps from the public changes nothing of what the public sees: not a byte, a number or an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from entries import a_person, citizen_number, with_term
from fresh import fresh_databases
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from two_homes import (
    BOTH,
    HISTORY,
    LAST,
    PEOPLE,
    SECRETS,
    Answers,
    Life,
    OwnHome,
    Secret,
    ask_everything,
    build_home,
    copy_home,
    fingerprint,
    glance,
    list_differences,
    list_states,
    live,
    read_public_files,
    see,
    with_other_secrets,
)

from registry.journal import append_subject
from search_index.submission import draw_receipt, token_of

pytestmark = pytest.mark.long

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
# After these everything is asked; after the others the store, and a few answers that are made of all of it.
LOOKS = (len(HISTORY) - 1,)
EVERYWHERE = "one private field of one that is public"
UNSEEN = {"draft", "restricted", "held", "withdrawn", "removed"}
Interleaving = Sequence[tuple[int, int, str]]


@pytest.fixture(params=DATABASES)
def lives(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Life, Life]]:
    """A home without and a home with secrets, each with a key and databases of its own."""
    with ExitStack() as stack:
        homes = []
        for name in ("bare", "laden"):
            databases = stack.enter_context(fresh_databases(request.param))
            homes.append(build_home(tmp_path / name / "home", databases, HISTORY[0].at))
            stack.callback(homes[-1].close)
        yield Life(homes[0], is_laden=False), Life(homes[1], is_laden=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> OwnHome:
    """A home on SQLite in which nothing has happened yet."""
    return build_home(tmp_path_factory.mktemp("template") / "home", {}, HISTORY[0].at)


@pytest.fixture
def copies(template: OwnHome, tmp_path: Path) -> Iterator[tuple[Life, Life]]:
    """The same two lives, made sooner."""
    bare, laden = (copy_home(template, tmp_path / name / "home") for name in ("bare", "laden"))
    with closing(bare), closing(laden):
        yield Life(bare, is_laden=False), Life(laden, is_laden=True)


# The promise ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("often", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_nothing_undisclosed_changes_anything_that_the_public_sees(lives: tuple[Life, Life], often: bool) -> None:
    bare, laden = lives
    for place, step in enumerate(HISTORY):
        assert live(bare, step) == live(laden, step), step.name
        for name, secret in SECRETS.items() if often else choose_secrets(place):
            keep(laden, name, secret)
        look = see if often or place in LOOKS else glance
        assert list_differences(look(bare.home), look(laden.home)) == [], step.name
    hidden = list_states(laden.home)
    hidden.subtract(list_states(bare.home))
    assert sum(hidden.values()) >= 20
    assert {state for state, number in hidden.items() if number > 0} >= UNSEEN


@pytest.mark.parametrize("examples", [1, pytest.param(30, marks=pytest.mark.soak)])
def test_no_interleaving_of_secrets_with_what_is_public_can_be_told(template: OwnHome, examples: int) -> None:
    expected = list(lead(template, ()))

    # An example is short as it is, and takes seconds: to look for a shorter one would take minutes.
    @settings(max_examples=examples, database=None, phases=[Phase.generate])
    @given(
        st.lists(
            st.tuples(st.integers(0, len(HISTORY) - 1), st.integers(0, 4), st.sampled_from(sorted(SECRETS))),
            min_size=1,
            max_size=8,
        )
    )
    def holds(interleaving: Interleaving) -> None:
        for step, one, other in zip(HISTORY, expected, lead(template, interleaving), strict=True):
            assert list_differences(one, other) == [], step.name

    holds()


@pytest.mark.parametrize("way", ["correct", "import"])
def test_a_private_change_between_new_rules_and_their_publication_is_not_told_of(
    copies: tuple[Life, Life], way: str
) -> None:
    bare, laden = copies
    for life in copies:
        run_to(life, "and published")
        life.home.ask("profile", "--set", "id_mask=strict", "--as", "reviewer")
    if way == "correct":
        laden.home.ask("correct", laden.numbers[1], "--set", "note=新的备注", *BOTH, "--as", "reviewer")
    else:
        laden.approve(laden.import_([with_other_secrets(PEOPLE[1], 7) | {"id_number": laden.entry(1)["id_number"]}]))
    assert list_differences(glance(bare.home), glance(laden.home)) == []
    for life in copies:
        life.home.ask("publish")
    assert list_differences(glance(bare.home), glance(laden.home)) == []
    assert {entry["id_number"][6:10] for entry in glance_people(laden.home)} == {"****"}


def test_what_becomes_of_a_submission_is_told_only_to_who_has_its_code(copies: tuple[Life, Life]) -> None:
    bare, laden = copies
    for life in copies:
        run_to(life, "and published")
    receipt, code = draw_receipt(Random(5)), "01234-56789"
    with laden.home.named():
        court = laden.home.court
    for state in ("received", "reviewing", "upheld", None):
        laden.home.clock.advance(days=1)
        with court.session() as session:
            body = {"state": state, "on": "2026-11-20", "until": None} if state else None
            append_subject(session, court.now, "submission", token_of(receipt, code), body)
        court.pump.feed()
        unknown = tell_state(bare, receipt, code)
        assert (tell_state(laden, receipt, code) == unknown) is (state is None)
        assert tell_state(laden, receipt, "01234-56780") == unknown
    court.close()
    laden.home.clock.moment = bare.home.clock.moment
    assert list_differences(ask_everything(bare.home), ask_everything(laden.home)) == []
    for life in copies:
        live(life, HISTORY[3])
    assert list_differences(ask_everything(bare.home), ask_everything(laden.home)) == []


def tell_state(life: Life, receipt: str, code: str) -> bytes:
    with life.home.browsed() as portal:
        return portal.test_client().post("/objections/state", data={"receipt": receipt, "code": code}).data


@pytest.mark.soak
def test_five_hundred_ends_of_what_is_held_do_not_keep_another_on_the_list(template: OwnHome, tmp_path: Path) -> None:
    with closing(copy_home(template, tmp_path / "home")) as home:
        held = [
            with_term(a_person(serial, name="秦隐瞒", id_number=citizen_number(serial)), "2026-12-01")
            for serial in range(1, 501)
        ]
        home.publish(*held, with_term(a_person(777), "2026-12-01"), a_person(778))
        listed = home.write("listed.jsonl", [with_term(a_person(777), "2026-12-01"), a_person(778)])
        home.ask("reconcile", listed, "--force", "--as", "clerk")
        home.clock.moment = LAST
        assert home.ask("publish")["expired"] == 1


# The proof is able to fail -------------------------------------------------------------------------------------------


def draw_in_secret(laden: Life) -> None:
    # What cannot be part of a number is drawn past: a little less might not be noticed.
    laden.home.random.randbytes(64)


def lose_a_number(laden: Life) -> None:
    record = laden.numbers[1]
    laden.home.ask("hold", record, "--basis", "来信", "--as", "clerk")
    laden.home.ask("hold", record, "--lift", "--basis", "核实", "--as", "reviewer")
    laden.home.ask("hold", record, "--lift", "--as", "second")


def leave_a_file(laden: Life) -> None:
    (laden.home.folder / "public" / "index" / "note").write_bytes(b"1")


def publish_one_more(laden: Life) -> None:
    laden.approve(laden.import_([a_person(10, name="马测试")]))


@pytest.mark.parametrize(
    ("fault", "notices"),
    [
        (draw_in_secret, "table document"),
        (lose_a_number, "/readyz"),
        (leave_a_file, "file index/note"),
        (publish_one_more, "/search"),
    ],
)
def test_the_comparison_notices(copies: tuple[Life, Life], fault: Callable[[Life], None], notices: str) -> None:
    for life in copies:
        run_to(life, "and published")
    fault(copies[1])
    for life in copies:
        for step in HISTORY[3:5]:
            live(life, step)
    bare, laden = (glance(life.home) | read_public_files(life.home) for life in copies)
    differences = list_differences(bare, laden)
    assert any(difference.startswith(f"{notices}:") for difference in differences), differences[:5]


def test_a_secret_that_touched_a_public_file_is_noticed(copies: tuple[Life, Life]) -> None:
    laden = copies[1]
    run_to(laden, "and published")
    with pytest.raises(AssertionError, match="touched"):
        keep(laden, "a fault", lambda life: (life.home.folder / "public" / "index" / "current").touch())


# Helpers -------------------------------------------------------------------------------------------------------------


def choose_secrets(place: int) -> list[tuple[str, Secret]]:
    """Every secret has its turn; one private field of what is public changes again and again, also between the choice of
    another mask and the publication under it."""
    own = [item for number, item in enumerate(SECRETS.items()) if number % len(HISTORY) == place]
    return [*own, (EVERYWHERE, SECRETS[EVERYWHERE])] if place % 4 == 3 else own


def keep(life: Life, name: str, secret: Secret) -> None:
    """Let something happen in secret; not even the times of the public files may tell of it."""
    before = fingerprint(life.home.folder / "public")
    secret(life)
    assert fingerprint(life.home.folder / "public") == before, f"touched by {name}"


def lead(template: OwnHome, interleaving: Interleaving) -> Iterator[Answers]:
    """What is seen after each step of the public history, with secrets kept so many minutes after some of them."""
    with TemporaryDirectory() as folder, closing(copy_home(template, Path(folder) / "life" / "home")) as home:
        life = Life(home, is_laden=bool(interleaving))
        for place, step in enumerate(HISTORY):
            told = live(life, step)
            for _, minutes, name in sorted(one for one in interleaving if one[0] == place):
                home.clock.moment = step.at
                home.clock.advance(minutes=minutes)
                keep(life, name, SECRETS[name])
            home.clock.moment = step.at
            yield {"told": told, **glance(home)}


def run_to(life: Life, name: str) -> None:
    """Lead a life up to and with the step of that name."""
    for step in HISTORY:
        live(life, step)
        if step.name == name:
            return
    raise AssertionError(name)


def glance_people(home: OwnHome) -> list[dict[str, str]]:
    with home.browsed() as portal:
        answer = portal.test_client().get("/api/v1/entries?kind=person").json
    assert answer is not None
    entries: list[dict[str, str]] = answer["entries"]
    return entries
