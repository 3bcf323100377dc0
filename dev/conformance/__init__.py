"""What an MQTT 5 broker grants of what usbcam needs: one line for each need."""
