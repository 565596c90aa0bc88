"""Cameras that another program knows: Frigate and go2rtc, one file each."""
