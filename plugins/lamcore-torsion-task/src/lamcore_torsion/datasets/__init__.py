"""Readers of torsion scans."""
