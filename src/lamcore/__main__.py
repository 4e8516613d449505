"""`python -m lamcore`."""

import sys

from lamcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
