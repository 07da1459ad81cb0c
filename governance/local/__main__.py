"""`python -m governance.local`: everything on one machine. `make run` calls it.

`python -m governance.local manage COMMAND …` runs a command of manage.py on the same data, beside
the running launcher or, when none runs, with servers of its own.
"""

import subprocess
import sys

from governance.local import keys, launch, processes, programs, servers
from governance.local.backing import Backing
from governance.local.commands import manage
from governance.local.environments import Environments
from governance.local.files import read_json
from governance.local.places import Places
from governance.local.terminal import complain


def main(arguments: list[str]) -> int:
    if not arguments or arguments == ["run"]:
        return launch.run()
    if arguments[0] == "manage":
        return _manage(arguments[1:])
    complain(__doc__ or "")
    return 2


def _manage(arguments: list[str]) -> int:
    places = Places.find()
    places.make()
    try:
        with processes.held(places.run):
            programs.clear_leftovers(places)
            backing = Backing.start(places, launch.chosen_database(), complain)
            try:
                return _run(arguments, backing, places)
            finally:
                backing.stop()
                places.launch.unlink(missing_ok=True)
    except processes.AlreadyRunning:
        return _run(arguments, Backing.join(places), places)
    except servers.CannotStart as error:
        complain(f"Could not start. {error}")
        return 1


def _run(arguments: list[str], backing: Backing, places: Places) -> int:
    environments = Environments(
        keys=keys.find_or_make(places.keys),
        database_url=backing.database_url,
        migration_database_url=backing.migration_database_url,
        redis_url=backing.redis_url,
        extra=read_json(places.launch).get("settings", {}),
        checkpoints=str(places.checkpoints(launch.chosen_database())),
    )
    return subprocess.run(manage(*arguments), env=environments.terminal(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
