"""Keeping what a package does to the process at import to itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def process_left_as_found() -> Iterator[None]:
    """Put back the environment variables and the warning filters that imports inside the block change."""
    environment = dict(os.environ)
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
