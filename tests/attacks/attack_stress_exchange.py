"""Exchange-rename in a tight loop while executing."""

import races
import stress

ROW = "race: write after check"
STRESS = UNGUARDED = True


def attempt(scene):
    return stress.judge(scene, races.race(scene.container, "exchange", int(stress.seconds(scene) * 1000)))
