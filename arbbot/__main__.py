"""`python -m arbbot`."""

from __future__ import annotations

import sys

from arbbot.cli import main

if __name__ == "__main__":
    sys.exit(main())
