"""Hard links: written through another name, and exchanged for a link of a payload."""

import races
import stress

ROW = "race: write after check"
STRESS = UNGUARDED = True


def attempt(scene):
    return stress.judge(scene, races.race(scene.container, "links", int(stress.seconds(scene) * 1000)))
