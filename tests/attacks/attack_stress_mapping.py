"""Writable mappings: one held with its descriptor closed, one made and given up in a tight loop."""

from concurrent.futures import ThreadPoolExecutor

import races
import stress

ROW = "race: write after check"
STRESS = UNGUARDED = True


def attempt(scene):
    milliseconds = int(stress.seconds(scene) * 1000)
    with ThreadPoolExecutor() as pool:
        held, window = pool.map(lambda mode: races.race(scene.container, mode, milliseconds), ("held", "window"))
    return stress.judge(scene, held + window)
