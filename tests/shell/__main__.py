"""`python -m tests.shell`."""

import sys

from tests.shell.command import main

if __name__ == "__main__":
    sys.exit(main())
