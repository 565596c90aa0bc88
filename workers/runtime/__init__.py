"""What every worker process is built on: leases, the process tree, ending with the parent."""
