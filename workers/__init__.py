"""The long-running processes: ingest, inference, enrolment."""
