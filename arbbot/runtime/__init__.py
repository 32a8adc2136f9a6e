"""MOTION: the loop, the order desk, timers, recovery and the control socket."""
