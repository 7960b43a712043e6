"""Whether the document that an entry rests on is of a kind that may not be published, as far as its words tell. Pure.

法释〔2016〕19号 art. 4: divorce and whatever concerns the raising or guardianship of a minor child, and offences
committed by minors. What such a document orders is not repeated on the list; the list refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum


class BasisKind(StrEnum):
    """Kinds of documents that may not be published (法释〔2016〕19号 art. 4 (2), (4))."""

    DIVORCE = "divorce"
    CUSTODY = "custody"
    MINOR = "minor"


_SIGNS = {
    BasisKind.MINOR: re.compile(
        r"未成年(?:人)?(?:犯罪|罪犯|被告人|被告)|犯罪时(?:系)?(?:未成年|未满十八|不满十八|未满18|不满18)"
    ),
    BasisKind.CUSTODY: re.compile(
        r"抚养费|抚育费|抚养权|抚养关系|扶养费|由[^，。；]{1,20}(?:直接)?抚养|随[^，。；]{1,20}(?:共同)?生活"
        r"|探望|探视|婚生|非婚生|变更监护|监护权|抚养纠纷"
    ),
    BasisKind.DIVORCE: re.compile(
        r"离婚(?:纠纷|后财产|判决|调解|诉讼|案)|(?:准予|准许|判决|调解|自愿)[^，。；]{0,24}离婚|[与和][^，。；]{1,16}离婚"
        r"|婚姻关系|离婚经济帮助|离婚损害赔偿|夫妻共同财产"
    ),
}


def find_basis_kind(texts: Iterable[str]) -> BasisKind | None:
    """The kind of the document from what the `texts` of a record say it ordered; None where nothing tells."""
    whole = "\n".join(texts)
    return next((kind for kind, signs in _SIGNS.items() if signs.search(whole)), None)
