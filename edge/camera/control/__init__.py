"""What operators see and say: status, health, metrics, Home Assistant, commands."""
