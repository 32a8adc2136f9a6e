"""BYTES: the wire of Bitstamp. Pure codecs and signing, and thin shells over sockets, aiohttp and websockets."""
