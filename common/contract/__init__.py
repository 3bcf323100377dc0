"""What travels: topics, ids, times, capture metadata and receipts, as both halves write and read them."""
