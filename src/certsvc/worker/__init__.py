"""What runs by the clock: the timetable, and the scheduler that fires it."""
