"""Redis: connections, keys, transactions, streams, its clock, and the account of a camera's frames."""
