"""Who uses the service, and what he may do: one table of rights, checked in one place."""
