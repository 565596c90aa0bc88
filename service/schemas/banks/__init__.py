"""Banks, enrolments and trials, as REST shows them."""
