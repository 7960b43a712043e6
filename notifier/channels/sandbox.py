"""The sandbox: parcels go into a folder of this home, where the desk shows what a recipient would have received."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from notifier.channels import Outcome, Parcel
from notifier.files import discard, put_in_place, write_aside
from notifier.states import MessageState


@dataclass(frozen=True, slots=True)
class SandboxChannel:
    """Delivers into `folder`/<recipient>/<parcel>. A parcel that has arrived is left as it is."""

    folder: Path
    repeatable: bool = True

    def deliver(self, parcel: Parcel) -> Outcome:
        target = self.folder / parcel.recipient / parcel.name
        if target.is_dir():
            return _DELIVERED
        try:
            aside = write_aside(
                target.parent, {file.name: file.read_bytes() for file in sorted(parcel.folder.iterdir())}
            )
            self._arrive(aside, target)
        except OSError as error:
            return Outcome(
                state=MessageState.FAILED_TEMPORARY, detail=f"写入演练收件箱失败：{error.strerror or '磁盘错误'}"
            )
        return _DELIVERED

    def _arrive(self, aside: Path, target: Path) -> None:
        try:
            put_in_place(aside, target)
        except OSError:
            discard(aside)
            # Somebody with an older lease was quicker; the parcel is the same.
            if not target.is_dir():
                raise


_DELIVERED = Outcome(state=MessageState.DELIVERED, detail="已放入演练收件箱")
