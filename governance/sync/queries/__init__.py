"""Questions of the Sync page: what goes on now, how healthy reading is, and what it did before."""
