"""`python -m tests.sim`."""

from tests.sim.command import main

raise SystemExit(main())
