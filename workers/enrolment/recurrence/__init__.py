"""What recurs becomes normal at its hour: alerts are read, compared, and admitted as corrections that can be undone."""
