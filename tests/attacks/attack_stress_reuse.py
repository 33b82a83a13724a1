"""Inode numbers reused in a loop."""

import races
import stress

ROW = "race: cache"
STRESS = UNGUARDED = True


def attempt(scene):
    return stress.judge(scene, races.reuse(scene.container, stress.seconds(scene)))
