"""Routes about banks and enrolments."""
