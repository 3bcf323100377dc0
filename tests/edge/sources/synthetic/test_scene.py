"""The synthetic scene."""

from camera.sources.synthetic.scene import Scene


def test_the_same_seed_gives_the_same_scene() -> None:
    one, two, other = Scene(320, 240, 1, 0), Scene(320, 240, 1, 0), Scene(320, 240, 2, 0)

    assert (one.draw(20.0) == two.draw(20.0)).all()
    assert not (one.draw(20.0) == other.draw(20.0)).all()


def test_a_scene_knows_its_visits() -> None:
    scene = Scene(320, 240, seed=1, visits=3)

    assert scene.visits_begun(0.5) == 0
    assert not scene.ended(10.0)
    assert scene.visits_begun(60.0) == 3
    assert scene.ended(60.0)
