"""The networks' weights: what is known, where it is fetched from, how it is read and identified."""
