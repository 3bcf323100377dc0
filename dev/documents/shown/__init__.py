"""Every state of the pages, as people may meet it: for pictures to look at, and for the tests that look for faults."""
