"""Several scenes measured as one: what a profile does on cameras that nobody tuned on, and which is the worst."""
