"""README shows what its commands print; the demo's block is compared where the demo is run."""

import subprocess

from tests.docs.readme import README, masked, shown


def test_make_help_prints_what_readme_shows() -> None:
    quiet = ["make", "--no-print-directory", "help"]  # within `make test` it would name the folders it enters
    done = subprocess.run(quiet, capture_output=True, text=True, check=True, cwd=README.parent)
    assert done.stdout.splitlines() == shown("make help").splitlines()


def test_a_line_that_readme_lacks_would_be_noticed() -> None:
    assert masked("✓ worker 1.1 s\n") == masked("  ✓ worker 22 s")
    assert masked("✓ worker 1.1 s\n") != masked("✓ api 1.1 s\n")
