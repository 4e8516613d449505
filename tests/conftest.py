"""What several tests share: made-up plugins that are installed for one test, and small structures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

InstallPlugin = Callable[..., None]


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallPlugin:
    """Install a plugin for one test: `install_plugin("name", code, version=..., requires=[...])`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(name: str, code: str, version: str = "1.0", requires: tuple[str, ...] = ()) -> None:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(code), encoding="utf-8")
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join(metadata) + "\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[lamcore]\n{name} = {module}\n", encoding="utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


CARDS = {
    "slow.yaml": "summary: counts its calculations\n",
    "squares.yaml": (
        "version: '1'\nsummary: squares\nlicence: CC0-1.0\nlevel_of_theory: arithmetic\nunits: {square: eV}\n"
    ),
    "tiny.yaml": "summary: two runs\n",
    "model.yaml": "summary: EMT in three lines\nlicence_code: LGPL-2.1-or-later\n",
}


@dataclass
class Workplace:
    """A folder to run the command line in, with the plugin of `plugin_for_tests.py` installed."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lamcore", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def calculated(self) -> Counter[str]:
        """How often each case was calculated to the end."""
        log = self.folder / "log"
        return Counter(log.read_text().split()) if log.exists() else Counter()

    def run_folder(self) -> Path:
        (folder,) = [path for path in (self.folder / "runs").iterdir() if path.name != ".sweeps"]
        return folder

    def metrics(self) -> Any:
        return json.loads((self.run_folder() / "metrics.json").read_text())


@pytest.fixture
def workplace(tmp_path: Path, install_plugin: InstallPlugin) -> Workplace:
    code = (Path(__file__).parent / "plugin_for_tests.py").read_text()
    install_plugin("plugin-for-tests", code)
    for name, text in CARDS.items():
        (tmp_path / "site" / name).write_text(text)
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    # The other plugins that happen to be installed beside lamcore have tests of their own.
    environment["LAMCORE_PLUGINS"] = "plugin-for-tests"
    return Workplace(tmp_path, environment)
