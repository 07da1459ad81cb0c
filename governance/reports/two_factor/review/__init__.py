"""The periodic sign-off of the 2FA report: decided person by person, frozen, not about oneself."""
