"""Structures to time."""
