VERSION = "0.1.0"  # of pyproject.toml; a test compares the two
