"""HTTP to addresses that users or settings name: judged at each connection, bounded in time and size."""
