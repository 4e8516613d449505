"""Freed memory stays with the process that asked for it."""

import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, sys
import numpy as np
from lamcore.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    print(keep_freed_memory())
for _ in range(3):
    np.ones(8_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(8_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def outputs(mode):
    result = subprocess.run([sys.executable, "-c", PAGE_FAULTS, mode], capture_output=True, text=True, check=True)
    return result.stdout.split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is the GNU C library's")
def test_an_array_made_again_and_again_no_longer_costs_page_faults():
    done, kept = outputs("keep")
    (returned,) = outputs("return")
    assert done == "True"
    assert int(kept) < int(returned) / 10
