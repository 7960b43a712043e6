"""Watching a home: what doctor looks at, whom alarms reach, figures for a monitoring system."""
