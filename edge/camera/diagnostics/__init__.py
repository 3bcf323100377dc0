"""Commands that examine and change nothing: doctor, snapshot, detect, captures."""
