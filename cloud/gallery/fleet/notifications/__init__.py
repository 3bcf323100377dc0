"""Notifications of visits and alarms, by the services of NOTIFY_URLS; nothing is sent twice."""
