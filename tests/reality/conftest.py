"""What takes the world's own programs, minutes and gigabytes: by hand with REALITY=1 (`make reality`)."""

from tests.integration.conftest import journey
from tests.integration.edge.test_homeassistant import home

__all__ = ["home", "journey"]
