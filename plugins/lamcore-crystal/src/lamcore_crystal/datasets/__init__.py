"""Crystals as cases of the task `crystal`."""
