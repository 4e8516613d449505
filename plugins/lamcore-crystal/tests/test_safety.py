from __future__ import annotations

import ast
from pathlib import Path

import lamcore_crystal

SOURCES = sorted(Path(lamcore_crystal.__file__).parent.rglob("*.py"))
RUNS_WHAT_IT_READS = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "jsonpickle",
}
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "MontyDecoder"}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def called(tree):
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_nothing_that_comes_from_outside_is_unpickled_or_run():
    # The old client unpickled what it had downloaded without looking at the certificate.
    assert len(SOURCES) > 100
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not RUNS_WHAT_IT_READS & set(imported(tree)), path
        assert not RUNS_TEXT & called(tree), path
        unverified = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "verify"]
        assert not unverified, path


def test_the_search_for_such_code_finds_it():
    tree = ast.parse("import pickle as p\nfrom dill import loads\neval('1')\nrequests.get(url, verify=False)")
    assert set(imported(tree)) == {"pickle", "dill"}
    assert called(tree) == {"eval"}
