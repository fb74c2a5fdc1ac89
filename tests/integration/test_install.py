"""What `cmake --install` leaves on a system: the programs, and all that the documents say is there afterwards."""
import re
import shutil

import pytest
from conftest import PROGRAMS, TREE

from harness.processes import run

DIRECTIVE = re.compile(r"^(\w+)=(.*)$", re.M)


@pytest.fixture
def installed(tmp_path):
    run(["cmake", "--install", PROGRAMS], env={"DESTDIR": str(tmp_path)})
    return tmp_path


def one(installed, path):
    found, = installed.rglob(path)
    return found


def names(installed, pattern):
    return {file.name for file in installed.rglob(pattern)}


def test_the_unit_is_installed_and_starts_the_installed_program(installed):
    unit = one(installed, "lib/systemd/system/packswarmd.service")
    program = dict(DIRECTIVE.findall(unit.read_text()))["ExecStart"]
    assert f"ExecReload={program} --check-config" in unit.read_text()
    there = installed / program.lstrip("/")
    assert there.stat().st_mode & 0o111
    if shutil.which("systemd-analyze"):
        unit.write_text(unit.read_text().replace(program, str(there)))
        answer = run(["systemd-analyze", "verify", "--man=no", unit], check=False)
        assert unit.name not in answer.stdout, answer.stdout


def test_the_units_user_is_one_that_sysusers_makes(installed):
    unit = one(installed, "lib/systemd/system/packswarmd.service")
    made = one(installed, "lib/sysusers.d/packswarm.conf")
    users = [line.split()[1] for line in made.read_text().splitlines() if line.startswith("u")]
    assert users == [dict(DIRECTIVE.findall(unit.read_text()))["User"]]


def test_every_program_and_page_of_the_tree_is_installed(installed):
    assert {page.name for page in (TREE / "contrib/man").iterdir()} == names(installed, "man/man?/*")
    assert {"packswarm", "packswarmd", "packswarm-seed", "packswarm-torrent"} <= names(installed, "bin/*")
    assert "packswarm-apt-method" in names(installed, "libexec/packswarm/*")
