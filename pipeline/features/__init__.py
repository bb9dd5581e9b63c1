"""Features of a project as Python reads them: by dataset, expert and video, without running anything."""
