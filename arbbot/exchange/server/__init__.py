"""The exchange on the wire: REST and WebSocket, as clients of Bitstamp know them."""
