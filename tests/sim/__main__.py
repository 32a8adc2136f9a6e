"""`python -m tests.sim`."""

import os
import sys

from tests.sim.command import main

try:
    code = main()
    sys.stdout.flush()
except BrokenPipeError:  # whoever read the trace has seen enough
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = 1
raise SystemExit(code)
