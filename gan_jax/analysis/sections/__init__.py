"""The sections of a report: functions of a `Study` that return HTML, or '' for nothing to say."""
