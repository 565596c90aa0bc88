"""How well a profile tells labelled anomalies from normal, on folders of recordings."""
