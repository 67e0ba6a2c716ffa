"""From YAML to jobs: what the workflow imports."""
