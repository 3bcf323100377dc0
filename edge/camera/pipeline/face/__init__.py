"""What is known of one face in one frame: landmarks, quality, thresholds, light, and the crop that people will see."""
