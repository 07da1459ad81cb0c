"""2FA over time: how many had it, how much lay open, and how long it takes people."""
