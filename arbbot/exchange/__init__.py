"""The built-in exchange: a Bitstamp-compatible venue on loopback to rehearse against.

Where things are. Pure, synchronous, exact, every call with its market time:

- `matching`: one market's book; `tape`: its trades and candles; `listing`: both, with status and event chain.
- `accounts`: balances, fees, rows, keys; `entry`: checks of an order; `clearing`: what a trade does to money.
- `venue`: the whole, with the seam for the house that makes the market; `events`: what it tells listeners.
- `rules`: the listed markets, and the variants where sources leave the real venue's behaviour open.
- `refusal`, `ids`: texts and codes of refusals, laws of identifiers.

In motion: `serve` runs it by `options`, `clock` is market time, `faults` names what can go wrong on purpose.
`server/` speaks REST (`api`, with endpoints in `public`, `account`, `orders`), WebSocket (`stream`) and the
control endpoint; spellings are in `shapes`. `market/` moves the prices.

What clients may bring: the v2 authentication headers, or the deprecated credentials in the body (`key`, `nonce` and
`signature`, the HMAC of nonce + customer id + key; the customer id is the account's user id, 4848701 for the
demonstration account) on every private path; and the calls of the first API version that older clients still make,
which mean btcusd (`server/legacy`). Not built: withdrawals in fiat, derivatives, earn, travel rule, liquidation
addresses.

It shares no code with the venue adapter it is there to test.
"""
