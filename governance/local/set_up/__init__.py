"""What a start on one machine puts into the database: sign-ins, and an account to read with."""
