"""From configuration files to the plan of jobs. Imports nothing heavier than pydantic."""
