# SPDX-License-Identifier: MIT
"""What the benchmarks compare with and npm brings; it is installed into the build folder."""
import shutil
import subprocess
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "build/bench"


def npm_file(package, pattern):
    """The first file of that pattern below the folder where `package` (NAME@VERSION) is installed, or None."""
    place = PLACE / package.split("@")[-2].replace("/", "-")
    found = sorted(place.glob(pattern))
    if not found and shutil.which("npm"):
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), package], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = sorted(place.glob(pattern))
    return found[0] if found else None


def find_wizer():
    """Wizer's program, which has Wasmtime and with it Cranelift inside."""
    return npm_file("@bytecodealliance/wizer@11", "node_modules/@bytecodealliance/wizer-*/wizer")
