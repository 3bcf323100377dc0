"""From the disk to the broker, until a receipt comes back."""
