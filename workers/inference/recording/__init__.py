"""Recording of what cameras show as their memory of normal, beside their scoring."""
