"""The stages of a challenge: init, submit, evaluate, close."""
