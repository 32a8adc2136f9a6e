"""The operator's page: a small web server on loopback, beside trading and never in its way."""

from arbbot.dashboard.server import Dashboard, Place
from arbbot.dashboard.source import Declined, Source

__all__ = ["Dashboard", "Declined", "Place", "Source"]
