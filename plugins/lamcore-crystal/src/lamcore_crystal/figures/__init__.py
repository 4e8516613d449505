"""Figures of a challenge, made of plain values; drawn by Plotly in a page."""
