"""Datasets with labels for phonons, one a module."""
