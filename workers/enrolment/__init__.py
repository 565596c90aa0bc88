"""The enrolment worker: learns banks that were asked for over the API."""
