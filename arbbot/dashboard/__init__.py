"""The operator's page: a small web server on loopback, beside trading and never in its way."""

from arbbot.dashboard.json_text import dumps
from arbbot.dashboard.server import VENDOR, Dashboard, Place
from arbbot.dashboard.source import Declined, Source

__all__ = ["VENDOR", "Dashboard", "Declined", "Place", "Source", "dumps"]
