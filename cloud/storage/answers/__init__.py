"""What a store answers when it does not do what was asked."""
