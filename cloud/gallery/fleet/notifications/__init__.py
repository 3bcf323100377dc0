"""Who is told what: visits and alarms, by services that NOTIFY_URLS names; nothing twice."""
