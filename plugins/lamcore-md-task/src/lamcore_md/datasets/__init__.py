"""Structures to let move."""
