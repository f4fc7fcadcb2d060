"""What the functions logged in all histories. Runs after them."""


def test_nothing_was_counted_twice_and_no_secret_logged(world, kept):
    world.lines.read_to_the_end()
    assert len(world.lines.entries) > kept.steps
    wrong = world.lines.violations(world.secrets.texts) + world.lines.overcounted(kept.stored)
    assert not wrong, "\n".join(sorted(set(wrong)))
