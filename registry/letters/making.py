"""Files of letters and dossiers. What makes them is loaded when one is made: a departure does not wait for a font."""

from __future__ import annotations

from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.letters.kinds import Letter, LetterRefused
from registry.letters.wording import write_letter
from registry.policy import Policy
from registry.tables import RecordRow
from registry.vault import Vault
from search_index.profile import Profile


def render_docx(letter: Letter, profile: Profile) -> bytes:
    """A letter as .docx. Raises LetterRefused for one that nobody has agreed to."""
    from registry.letters.word import build_docx

    _refuse_unprintable(letter)
    return build_docx(write_letter(letter, profile))


def render_pdf(letter: Letter, profile: Profile) -> bytes:
    """A letter as .pdf. Raises LetterRefused for one that nobody has agreed to, TypefaceMissing."""
    from registry.letters.pdf import build_pdf

    _refuse_unprintable(letter)
    return build_pdf(write_letter(letter, profile))


def build_dossier(
    session: Session, vault: Vault, row: RecordRow, *, profile: Profile, policy: Policy, acting: Acting
) -> bytes:
    """Everything that is known of a record, for the court above, as one PDF (法释〔2017〕7号 art. 12–13). That it was made is
    written down as a reading of the record. Raises TypefaceMissing."""
    from registry.letters.dossier import collect, write_dossier
    from registry.letters.pdf import build_pdf

    dossier = collect(session, vault, row, policy, acting)
    content = build_pdf(write_dossier(dossier, profile, acting))
    audit.note(session, acting.now, acting.actor, "read", record=row.id, detail={"page": "dossier"})
    return content


def _refuse_unprintable(letter: Letter) -> None:
    if not letter.may_be_printed:
        raise LetterRefused("这份文书还没有由另一人核发，或者已经作废，不能打印（法释〔2017〕7号第十三条）")
