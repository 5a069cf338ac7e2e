"""The pages stand in the frame of other themes of the admin, too."""

import json
import subprocess
import sys

import pytest

from tests.admin.themed import PAGES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("theme", ["unfold", "jazzmin"])
def test_every_page_renders_under_the_theme(theme):
    done = subprocess.run(
        [sys.executable, "-m", "tests.admin.themed", theme], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {page: [200, True, True] for page in (*PAGES, "index")}
