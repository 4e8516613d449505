"""Suites for lamcore: LAMBench's versions, and one of lamcore's own."""
