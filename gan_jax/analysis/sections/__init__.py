"""The sections of a report: functions of a `Study` that return HTML, or '' where there is no need."""
