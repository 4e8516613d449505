"""The web service of a challenge: the native API, OPTIMADE, uploads."""
