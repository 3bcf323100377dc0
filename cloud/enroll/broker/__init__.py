"""What brokers are told of who is enrolled: one interface, and one module for each broker."""
