"""BYTES: the wire of Bitstamp. Pure codecs and signing, and thin shells that move them over aiohttp and websockets."""
