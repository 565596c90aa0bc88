"""The learning process of an enrolment: its orders, its footage or memory, and what it reports."""
