"""Linux' own test driver: a node with some eighty pixel formats, and one of the kind that is not supported."""

from tests.reality.asked import ASKED
from tests.reality.kernel.rig import Rig, until

pytestmark = ASKED


def test_a_node_with_every_format_is_listed_and_read(rig: Rig) -> None:
    rig.machine.shell("modprobe vivid n_devs=1 node_types=0x1 multiplanar=1")
    (node,) = until(rig, rig.nodes, "vivid's node")

    doctor = rig.camera("doctor", CAMERA_SOURCE=node)
    shot = rig.shot(CAMERA_SOURCE=node)

    (line,) = (line for line in doctor.stdout.splitlines() if line.split()[1] == node)
    assert line.startswith("pass")
    assert " more." in line
    assert "Traceback" not in doctor.stderr
    assert shot.shape[1] == 640


def test_a_node_of_the_other_interface_is_called_what_it_is(rig: Rig) -> None:
    rig.machine.shell("modprobe vivid n_devs=1 node_types=0x1 multiplanar=2")
    (node,) = until(rig, rig.nodes, "vivid's node")

    doctor = rig.camera("doctor", CAMERA_SOURCE="auto").stdout

    assert f"{node}" in doctor
    assert "gives multi-planar images, which are not supported" in doctor
