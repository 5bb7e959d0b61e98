"""Which of the ways a vendor can answer a suite has exercised: the goals, the report and the pytest plugin."""
