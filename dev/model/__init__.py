"""The delivery protocol as a model that Spin checks: every state of it, and once without each rule."""
