"""The built-in exchange: a Bitstamp-compatible venue on loopback to rehearse against."""
