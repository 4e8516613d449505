"""`python -m lamcore.worker`."""

from lamcore.worker.server import serve

if __name__ == "__main__":
    serve()
