"""Tables: an action for each line of a file. Each line is paid once, and the job goes on after a crash."""
