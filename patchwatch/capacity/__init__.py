"""What an installation of a given size takes, computed from measured figures."""
