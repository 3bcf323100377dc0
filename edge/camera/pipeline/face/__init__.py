"""What is known of one face in one frame: landmarks, quality, floors, light, and the crop that people will see."""
