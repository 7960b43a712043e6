"""The detector on labelled texts that nobody who tuned it has seen (tests/corpus/README.md)."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from random import Random

import pytest
from corpus import generate
from corpus.labels import BASIS_KINDS, CLASSES, FOLDER, read
from corpus.measure import BARS, Tally, measure

from registry.redaction import IDENTIFIER_RULES, VERSION, redact
from registry.redaction.detect import DICTIONARY, find, read_by_rules
from registry.redaction.sheet import Sheet
from registry.redaction.tagger import DIGEST, RULES, Nobody, Tags
from registry.redaction.tagger_input import describe

FROZEN = {
    "open/earlier_generated.jsonl": "0595e7b66ace80ec44d6fb63d65bc91f8fb4ee7dc7b8cc82889a7c70ccaa8123",
    "open/earlier_hand.jsonl": "ef5430518db200e968ba7cc63a3c9437740204cff9919b8d5efea022a20664f6",
    "open/eighteenth.jsonl": "987f86eecaa81d99787042722a49c760fd3fc93e91908fb7e4403dcfbfc25031",
    "open/eighth.jsonl": "5be5477e68a9b8c2dd57b64efbaba041f1f7e55cbf1b3e1c1173b25d504d8e12",
    "open/eleventh.jsonl": "df3685847faedfc82366075e9404f9b531ff0c6321b79f155363b897685917a1",
    "open/eleventh.words.json": "55feb9b9520ee0379ee621d0df7a6fe8666c33b8d256158e2beb256ab225fc43",
    "open/fifteenth.jsonl": "a18a06c7c0046bbd5a992a08f65d6cc32e0b1aa53bbc490aa9f60f5d0e7302e6",
    "open/fifteenth.words.json": "56bc0ad78b2c9f60d147430b4ea43a930d9128ac546efc7ce99e77a871e0c12e",
    "open/fifth.jsonl": "8377ed397f66bed31c4778483406e03a718ebf8df43e13e97d6fc8b3fd6c3260",
    "open/fortieth.jsonl": "eeaba4f245022b868144f5b8eeaa4b6f0f65c82708487c5c96bf4497fff32180",
    "open/fourteenth.jsonl": "025cc426850cff426b6ee03328012ce3dffbd11fea13179292ff5636335d05e9",
    "open/fourteenth.words.json": "3533ed40374faddfbf7167bc30313f0c2c5f6643f143774aa68a6f6a2dac1c3a",
    "open/fourth.jsonl": "20833e4bcd028126bad02cbd24fbcc820f4490ac4d896e5ee034c46993c5c55a",
    "open/generated.jsonl": "c2e4b5305d144ee345c05bb09561dc8a31efdf1326cb38b95de13c688ed3e43f",
    "open/hand.jsonl": "579805a835015884e01fbc74c09b334ad94568557fa8552cc2a075af78a170c6",
    "open/nineteenth.jsonl": "a8200751a1680d3190ada9d1318fa0c5da3f58063d1a7c6128b4695e43e4b843",
    "open/ninth.jsonl": "dd395a5e3f12fef32d6945e4525c1a109fba92def63def44d4851b162af57538",
    "open/second.jsonl": "1dbdfbf56c597ef4c54d0807a1b9380603be28a5bf3cd5ab0881f6e5e46e26fb",
    "open/seventeenth.jsonl": "2ad5f70fada72645fae8bcb17715ac922b91b84ee67896654fa9b64cebbb3682",
    "open/seventh.jsonl": "d05d140869e71fad5193380258ada465df110ece385c1a9f63d591649e7f18f5",
    "open/sixteenth.jsonl": "ec835ac5ca5d8e1d505579084148b32f1b72ccf019e6295000c651b4ac50ce41",
    "open/sixteenth.words.json": "00cf9e1a1ad3885837c32d555945f15ca68d6d6057a7dd3322fbca3e12dcf613",
    "open/sixth.jsonl": "f284c3f96a1b45062393c6f3409e0b26651f18b7f729061fd48f7d75053cc200",
    "open/tenth.jsonl": "14e2152f921f6fdae7dc990acba7bf85492beefce2f87be47ce0ea390836ed55",
    "open/tenth.words.json": "24baa9074af2633582b9284f06f6a6402428a9f57b9b2d894e47ecf204980a0a",
    "open/third.jsonl": "27a75b6ccba3bb33b78ca122ddd870ad29be2df4572768690aaf73fdc1b44175",
    "open/thirteenth.jsonl": "76ab4aecf318993e9c9085632bcc52fd1913b65d67f0dcace5cb8a778eeea3a4",
    "open/thirteenth.words.json": "a703c3c0af5e81c38ae8a5dd4619f4920251b5cf1b5a5f80806f64c1ad1b7fac",
    "open/thirtieth.jsonl": "6e1c41c668398f4ef019e7ab3cb306eeba3ceb0d67fae42b4728eebcfc0839c1",
    "open/thirtyeighth.jsonl": "dcac74010d146c2221540eafbca9cb5067b009cdc6c31cfee01a19d55e30f003",
    "open/thirtyfifth.jsonl": "4d4cf39914168f4fe507fe6e7e32ee24561498467b5e7f02b39e9513ea1ad9f0",
    "open/thirtyfirst.jsonl": "0fa0a871368fb16d1be6a925e5cc7aceebc53e298169bed87d190114dac23e23",
    "open/thirtyfourth.jsonl": "69a9556a743594cea87f7ba444a273327bb70d525634debbc854efee9bbd2a15",
    "open/thirtyninth.jsonl": "2c1c8b13e1a69d6da9ec7ec99632ba0d3f2caac25f5736f1866e9bb86d54554d",
    "open/thirtysecond.jsonl": "dde76926222b968932dc820342bb02e17bcd6b7bb8ba074b5e7445cde6d83129",
    "open/thirtyseventh.jsonl": "583a6036190c6af36797c07dee247b602f98ae56c891434cdb1b66a74e68244c",
    "open/thirtysixth.jsonl": "10233255fdaccda9045075c698540aeff9b356d412264d6e39ccd8f9a0df04db",
    "open/thirtythird.jsonl": "20f4d8db9e46e9e8d59159433894a7c62ff011e8b27752fdf7121fa3123df261",
    "open/twelfth.jsonl": "2556ba5117feb9f8f1fefb82502719865970097733ae28b822f7c422a2e1bae7",
    "open/twelfth.words.json": "358ae5a3ef4cb81ea727e7852ee3205459d483841a83f85b7eefe4e5102f0f01",
    "open/twentieth.jsonl": "5664ad88c05aacc5060d061fe5825121edf3f8f934d84b53334b9b6c3f0e4f3d",
    "open/twentyeighth.jsonl": "c9307de2c654fa065b2d855d4bb18320ec20f43359ff5667267294e9d358c059",
    "open/twentyfifth.jsonl": "2795a1863071626a1b1f5ff3d623c4c513f253cc52988b0ba2334dbd8dcf1b8a",
    "open/twentyfirst.jsonl": "fc093d66fc894301eb07b642811fdd987bddf3809849f92f8ca9709572199357",
    "open/twentyfourth.jsonl": "58208f40d70644e5b7b6ae303c257cc3436960020b1a7c8366615e27c9171800",
    "open/twentyninth.jsonl": "2d6e9818eacc9f4f20f31373618debe68bb6b37ff3029b1d57722501a4422a36",
    "open/twentysecond.jsonl": "983d4e0e92bb73d8ab2da33670c3e31cfea1bbe334fe01e3038a2ac655484e83",
    "open/twentyseventh.jsonl": "c1a8f7c2665e5cd38b16afa0403ff50312d40f217eedbef7a4d0b375990bb243",
    "open/twentysixth.jsonl": "48ecb396661cc8de89499355b6c8092859faba12bd51291a80b78b3d1c3a8039",
    "open/twentythird.jsonl": "dcc28e4efc08ff1a0b21844bd915f0f3b482c7d4e7550b01f94eecb5c1bd928e",
    "unseen/generated.jsonl": "eec83ca26e41d08d3960e0d025a16c01ecbffe49a563bba2be14700845667df7",
    "unseen/hand.jsonl": "3ff0a9802bdbd2a42966f75dfd879947dc2a932b61571724379875bf1c7b435f",
    "unseen/hand_south.jsonl": "2c5a86841f89ef4618724000e8aa91ca33bab0c7ea53b076eacbfdb3912cb38f",
}


@pytest.fixture(scope="module")
def unseen() -> Tally:
    return measure(read("unseen"))


@pytest.mark.parametrize("bar", BARS)
def test_the_unseen_texts_are_redacted_as_well_as_they_must(unseen: Tally, bar: str) -> None:
    assert unseen.figures[bar] >= BARS[bar], unseen.figures


def test_everybody_in_a_text_has_one_mask_and_nobody_elses(unseen: Tally) -> None:
    assert unseen.bearers > 500
    assert unseen.consistent / unseen.bearers >= 0.98


class Drawn:
    """Says of a text what lots say, the same each time: what is made of the network's answers is seen apart from them."""

    def tag(self, sheet: Sheet, debtor: str) -> Tags:
        lots = Random(f"{debtor} {sheet.folded}")
        size = len(sheet.folded)
        chances = [lots.choice((0.0, 0.04, 0.1, 0.2, 0.4, 0.6, 0.95)) for _ in range(size // 3 + 1) for _ in range(3)]
        stays = [lots.choice((0.0, 0.0, 0.3, 0.7)) for _ in range(size)]
        rules = [rule for _ in range(size // 4 + 1) for rule in [lots.choice(sorted(RULES.values()))] * 4]
        begins = [lots.random() < 0.2 for _ in range(size)]
        return Tags(tuple(chances[:size]), tuple(stays), tuple(rules[:size]), tuple(begins))


# What each version of the detector does: what its rules find in some open texts, what the network is told of these, which
# network it is, and what is made of its answers. Where this changes, VERSION is raised, so that what is public is looked at
# again, and a line is added.
DOES = {"4": "9881186395534a92805ed812eeeb3b04a54f88a0e3402622876587b0d1db048a"}


def test_what_finds_something_else_is_another_version() -> None:
    digest = sha256(DIGEST.encode())
    for one in islice(read("open"), 0, None, 12):
        told = describe(read_by_rules(one.text, one.debtor), one.debtor, DICTIONARY)
        found = [find(one.text, one.debtor, tagger=by) for by in (Nobody(), Drawn())]
        digest.update(f"{one.id} {told} {found}\n".encode())
    assert digest.hexdigest() == DOES[VERSION]


@pytest.mark.long
def test_no_identifier_is_left_in_what_was_redacted() -> None:
    for one in islice(read("open"), 1, None, 9):
        shown = redact(one.text, find(one.text, one.debtor))
        left = {finding.rule for finding in find(shown, one.debtor, tagger=Nobody())}
        left |= {finding.rule for finding in find(shown, one.debtor) if finding.confidence == "high"}
        assert not left & IDENTIFIER_RULES, one.id


@pytest.mark.parametrize("file", FROZEN)
def test_the_corpus_is_the_one_that_was_frozen(file: str) -> None:
    assert sha256((FOLDER / file).read_bytes()).hexdigest() == FROZEN[file]


def test_the_unseen_part_shares_no_text_and_no_name_with_the_open_one() -> None:
    def names(part: str) -> set[str]:
        return {
            one.text[label.start : label.end]
            for one in read(part, "*generated")  # type: ignore[arg-type]
            for label in one.labels
            if label.name in ("person", "organisation") and label.end - label.start > 2
        }

    assert not {one.text for one in read("open")} & {one.text for one in read("unseen")}
    assert not names("open") & names("unseen")


def test_the_corpus_is_as_large_and_as_varied_as_it_says() -> None:
    generated = [*read("open", "*generated"), *read("unseen", "generated")]
    by_hand = [*read("open", "*hand"), *read("unseen", "hand")]
    assert len(generated) >= 1000
    assert len(by_hand) >= 300
    for part in ("open", "unseen"):
        texts = list(read(part))  # type: ignore[arg-type]
        assert {label.name for one in texts for label in one.labels} == CLASSES
        assert {one.basis for one in texts} == {None, *BASIS_KINDS}


def test_the_generated_texts_are_what_their_generator_makes() -> None:
    taken: frozenset[str] = frozenset()
    for part in generate.PARTS:
        lines, names = generate.build(part, taken)
        taken |= names
        assert sha256(lines.encode()).hexdigest() == FROZEN[part.path]
