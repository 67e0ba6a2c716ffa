"""`python -m batchmark.stages [--apart] STAGE …`: a stage as a job of the workflow."""

import runpy
import sys

from batchmark.stages import forkserver


def main() -> None:
    """Run the stage, in a fork of the workflow's server if there is one; `--apart`: see there."""
    apart = sys.argv[1] == "--apart"
    stage, *arguments = sys.argv[1 + apart :]
    status = forkserver.run(stage, arguments, apart=apart)
    if status is not None:
        sys.exit(status)
    sys.argv = [stage, *arguments]
    runpy.run_module(f"batchmark.stages.{stage}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
