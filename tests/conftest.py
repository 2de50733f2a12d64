"""What all tests share: properties are tried on the same examples every time."""

from hypothesis import settings

# A failure must be the next run's failure too; a busy machine's slowness is none.
settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")
