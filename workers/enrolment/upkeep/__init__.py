"""What is done for all cameras from time to time, by one worker: quiet hours, drift, and the site's budget."""
