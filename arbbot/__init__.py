"""arbbot: a cross-market arbitrage daemon for Bitstamp that is provably honest about money."""

__version__ = "0.1.0"
