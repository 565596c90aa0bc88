"""Messages to people, by way of Apprise, each written and sent by a process of its own that can be ended."""
