"""Names of the tables in `results/tables/`, for the workflow and the stages that write them."""

COLLECTED_TABLES = (
    "epochs.csv",
    "variants.csv",
    "trials.csv",
    "timings.csv",
    "subjects.csv",
    "draws.csv",
    "layer_norms.csv",
    "magnitudes.csv",
    "warnings.csv",
    "failures.csv",
    "environment.json",
)
ANALYZED_TABLES = (
    "summary.csv",
    "claims.csv",
    "sensitivity.csv",
    "comparisons.csv",
    "best_batches.csv",
    "cost_model.csv",
    "profile.csv",
    "noise.csv",
    "probes.csv",
    "noise_scale.csv",
    "threads.csv",
    "settings.csv",
    "published.csv",
    "answer.json",
)
