"""Models in processes of their own: a Python of this or of another environment that answers batches of structures.

The message is plain arrays over a pipe, never pickles. `frames` knows the bytes, `messages` what they mean, `server`
holds the model, `client` asks it.
"""
