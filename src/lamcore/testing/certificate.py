"""What was claimed, measured and decided, with all that the numbers depend on, as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.data_files import sha256
from lamcore.errors import RunFolderError
from lamcore.versions import versions_of

if TYPE_CHECKING:
    from lamcore.config import Choice
    from lamcore.model import Model
    from lamcore.testing.claims import Finding


@dataclass(frozen=True)
class Certificate:
    """The findings about one model, task or dataset.

    Attributes:
        about: What was checked and where the numbers come from, as JSON.
        findings: One for each claim.
    """

    about: Mapping[str, Any]
    findings: Sequence[Finding]

    @property
    def failures(self) -> list[Finding]:
        """The claims that do not hold, those that the author knows of included."""
        return [finding for finding in self.findings if finding.verdict == "fail"]

    def as_json(self) -> dict[str, Any]:
        """The certificate as plain values; a number that is not finite is written as text."""
        findings = [asdict(finding) for finding in self.findings]
        for finding in findings:
            for number in finding["numbers"]:
                if not math.isfinite(number["value"]):
                    number["value"] = str(number["value"])
        verdicts = [finding.verdict for finding in self.findings]
        counts = {verdict: verdicts.count(verdict) for verdict in ("pass", "fail", "not applicable")}
        return {**self.about, "counts": counts, "passed": not self.failures, "claims": findings}

    def write(self, path: Path) -> None:
        """Write it to a file, whose folder is made if need be.

        Raises:
            RunFolderError: The file cannot be written.
        """
        text = json.dumps(self.as_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be written ({error}); give --output=<file>") from error


def certify(
    choice: Choice,
    findings: Sequence[Finding],
    computed_by: Model | None,
    seconds: float,
    used: Sequence[Choice] = (),
    **more: Any,
) -> Certificate:
    """Put findings and what they depend on together.

    Args:
        choice: What was checked.
        findings: What was found.
        computed_by: The model that computed, if one did.
        seconds: How long it took.
        used: What else was built for it, whose versions and weights are written down too.
        more: What else to write down.
    """
    distributions, weights = ["lamcore"], dict[str, str]()
    for one in (choice, *used):
        distributions += [one.offer.plugin.distribution, *getattr(one.offer.spec, "packages", ())]
        weights |= _weights_of(one)
    return Certificate(
        {
            "kind": choice.group,
            **describe(choice),
            "device": None if computed_by is None else computed_by.device,
            "dtype": None if computed_by is None else computed_by.dtype,
            "conservative": None if computed_by is None else computed_by.conservative,
            "weights_sha256": weights,
            "versions": versions_of(list(dict.fromkeys(distributions))),
            "python": platform.python_version(),
            "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
            "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            **more,
        },
        tuple(findings),
    )


def describe(choice: Choice) -> dict[str, Any]:
    """What was chosen, as JSON: its name, its plugin with the version, and its options."""
    options = {name: _plain(value) for name, value in choice.options.items()}
    return {"name": choice.name, "plugin": str(choice.offer.plugin), "options": options}


def _weights_of(choice: Choice) -> dict[str, str]:
    weights = getattr(choice.offer.spec, "weights", None)
    return {} if weights is None else {path.name: sha256(path) for path in weights(**choice.options)}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
