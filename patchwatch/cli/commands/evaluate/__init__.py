"""``patchwatch evaluate``: how well profiles tell labelled anomalies from normal."""
