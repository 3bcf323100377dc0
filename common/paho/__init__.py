"""paho, made quicker and safe against hostile senders, for every client of this process."""
