"""What may be wrong with a camera's picture as a whole, told apart from anomalies of the scene in it."""
