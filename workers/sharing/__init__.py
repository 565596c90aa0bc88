"""Banks and memory shared by hosts: the data folder of each is kept the same as a store that all of them reach."""
