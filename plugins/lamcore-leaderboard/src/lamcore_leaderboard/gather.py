"""What a leaderboard is made from, read from disk: finished runs, those that are refused, and certificates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamcore.errors import ConfigError, RunFolderError
from lamcore.results import RunSummary, read_run, run_folders

_NOT_COMPARED = ("device",)
"""Options of models that change where numbers are computed, not the numbers."""


@dataclass(frozen=True)
class Refused:
    """A folder of a run that is not shown.

    Attributes:
        folder: The folder.
        reason: Why, and what mends it.
    """

    folder: Path
    reason: str


@dataclass(frozen=True)
class Certificate:
    """What `lamcore check model` wrote.

    Attributes:
        file: Where it is.
        content: As in the file.
    """

    file: Path
    content: Mapping[str, Any]

    @property
    def weights(self) -> frozenset[str]:
        """SHA-256 of the weights that were checked."""
        return frozenset(self.content["weights_sha256"].values())


def gather_runs(roots: Sequence[Path]) -> tuple[list[RunSummary], list[Refused]]:
    """The finished runs at or below some folders, and those that are refused for want of results or provenance.

    Raises:
        RunFolderError: A folder does not exist.
    """
    taken, refused = [], []
    for folder in run_folders(list(roots)):
        try:
            run = read_run(folder)
            if why := _lacking(run):
                raise RunFolderError(f"{folder}: its provenance lacks {why}; give its command again")
        except RunFolderError as error:
            refused.append(Refused(folder, str(error)))
        else:
            taken.append(run)
    return taken, refused


def gather_certificates(folder: Path | None) -> list[Certificate]:
    """The certificates of models in a folder; other JSON files in it are none of ours and are left alone.

    Raises:
        ConfigError: The folder does not exist, or a file cannot be read.
    """
    if folder is None:
        return []
    if not folder.is_dir():
        raise ConfigError(f"--certificates={folder}: no such folder; `lamcore check model <name>` writes certificates")
    found = []
    for file in sorted(folder.rglob("*.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file}: cannot be read as JSON ({error}); move it out of --certificates") from error
        if isinstance(content, dict) and content.get("kind") == "model" and {"claims", "counts"} <= content.keys():
            found.append(Certificate(file, content))
    return found


def certificate_for(run: RunSummary, certificates: Sequence[Certificate]) -> Certificate | None:
    """The latest certificate of a run's model: same name, same weights and the same options, device apart."""
    fitting = [one for one in certificates if _same_model(run, one)]
    return max(fitting, key=lambda one: str(one.content["checked_at"]), default=None)


def _same_model(run: RunSummary, certificate: Certificate) -> bool:
    content = certificate.content
    if content["name"] != run.model.name or certificate.weights != frozenset(run.model.content.split()):
        return False
    options: Mapping[str, Any] = content["options"]
    mine = {key: value for key, value in run.model.options.items() if key in options and key not in _NOT_COMPARED}
    return all(options[key] == value for key, value in mine.items() if not _is_a_file(value))


def _is_a_file(value: object) -> bool:
    """Whether a run has the content of a file in place of an option; the weights are compared by themselves."""
    return isinstance(value, dict) or (isinstance(value, str) and (len(value) == 64 or value == "one of the weights"))


def _lacking(run: RunSummary) -> str:
    """What a number could not be traced without; empty where all is there."""
    provenance = run.provenance
    if not provenance["sessions"]:
        return "sessions (which machine and versions computed it)"
    if any(not session.get("versions") or not session.get("machine") for session in provenance["sessions"]):
        return "versions or machine of a session"
    missing = [key for key in ("licences", "citations", "level_of_theory") if key not in provenance]
    return " and ".join(missing)
