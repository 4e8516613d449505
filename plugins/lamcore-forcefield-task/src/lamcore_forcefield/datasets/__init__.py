"""Labelled frames: an embedded set, and files of the user."""
