"""Records folded into log lines and metrics; nothing else logs trading."""
