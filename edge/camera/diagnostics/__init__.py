"""Commands that look and change nothing: doctor, snapshot, detect, captures."""
