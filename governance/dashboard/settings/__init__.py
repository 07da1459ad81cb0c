"""Settings: who signs in here, as what; where mail goes."""
