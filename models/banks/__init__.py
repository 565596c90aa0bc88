"""Memory banks: learnt, checked against footage that they did not see, stored."""
