"""Recording, replay, back-test and reports."""
