"""The scaffold of all worker processes: leases, heartbeats, stop signals, configuration replicas, the process tree."""
