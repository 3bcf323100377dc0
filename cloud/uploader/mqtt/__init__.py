"""The uploader's session at the cloud broker: deliveries in, receipts out."""
