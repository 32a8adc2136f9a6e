"""Long rehearsals: a supervisor over exchange and daemon processes, its verdict, and the gate it opens to live mode."""

from arbbot.bootstrap.longrun.gate import leave, refuse_unrehearsed
from arbbot.bootstrap.longrun.rehearse import Options, listed, rehearse
from arbbot.bootstrap.longrun.schedule import Level

__all__ = ["Level", "Options", "leave", "listed", "refuse_unrehearsed", "rehearse"]
