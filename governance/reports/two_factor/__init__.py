"""Who lacks 2FA, on what, for how long; what was done about it, and who signed that off."""
