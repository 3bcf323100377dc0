"""Reads a source on a thread: the latest frame wins, a hung driver is noticed, a lost source is reopened."""
