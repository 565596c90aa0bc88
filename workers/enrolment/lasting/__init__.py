"""A lasting change of the scene becomes normal: it is found in the memory, announced, admitted, and can be undone."""
