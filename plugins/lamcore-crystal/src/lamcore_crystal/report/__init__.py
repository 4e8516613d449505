"""The report of a challenge: a page that needs no network and no server."""

from __future__ import annotations

from lamcore_crystal.report.writing import write_report

__all__ = ["write_report"]
