"""Labelled frames in files of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from lamcore import Case, Dataset
from lamcore.cases import StoredStructures
from lamcore.errors import DataError
from lamcore_forcefield.datasets.sources import Format, Keys, found_sources

GROUP_BY_FILE = "file"


class Frames(Dataset):
    """One case for each frame; a frame is read when it is asked for, and not kept.

    Args:
        path: A file, or a folder that is searched to any depth.
        format: Of the files; `auto` goes by their names.
        keys: What labels are called. A `group` of `file` makes each file or system one.
        fparam: What fparam.npy of deepmd systems holds.
        functional: Of the labels, where known.
        d3: Dispersion that the labels have and that models get beside.

    Raises:
        DataError: Nothing is there, or it holds no frames.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        format: Format = "auto",
        keys: Keys | None = None,
        fparam: Literal["charge-spin", "ignore"] = "charge-spin",
        functional: str | None = None,
        d3: Literal["none", "pbe-zero", "pbe-bj"] = "none",
    ) -> None:
        if path is None:
            raise DataError("dataset frames needs a file or a folder; name it with dataset.path=…")
        found = path.expanduser()
        if not found.exists():
            raise DataError(
                f"dataset.path={path}: not found (looked at {found.absolute()}); expected a file or a folder"
            )
        keys = keys if keys is not None else Keys()
        self._by_file = keys.group == GROUP_BY_FILE
        if self._by_file:
            keys = Keys(**{**vars(keys), "group": None})
        self._sources = found_sources(found, format, keys, fparam)
        self._settings: dict[str, Any] = {"d3": d3} if d3 != "none" else {}
        if functional is not None:
            self._settings["functional"] = functional

    @property
    def files(self) -> Mapping[str, Path]:  # type: ignore[override]
        """Every file, by its path below the one given."""
        return {
            name if len(source.files) == 1 else f"{name}/{file.relative_to(source.path).as_posix()}": file
            for name, source in self._sources
            for file in source.files
        }

    def cases(self) -> Iterator[Case]:
        """Source by source, frame by frame; the id is the source's name and the frame's number."""
        n_frames = 0
        for name, source in self._sources:
            for entry in source.entries():
                settings = {**self._settings, "frame": entry.number}
                if self._by_file:
                    settings["group"] = name
                elif entry.group is not None:
                    settings["group"] = f"{name}: {entry.group}"
                n_frames += 1
                yield Case(
                    id=f"{name}:{entry.number}",
                    structures=StoredStructures(source, [entry.key]),
                    reference={"energy": entry.energy},
                    settings=settings,
                )
        if not n_frames:
            paths = ", ".join(str(source.path) for _, source in self._sources)
            raise DataError(f"{paths}: no frames; expected at least one")
