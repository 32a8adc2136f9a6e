"""The core simulation: one seed is one life of the daemon's core on the built-in exchange, in virtual time.

`plan` says what a life holds, `draw` makes one from a seed, `life` runs it, `checker` judges it.
"""
