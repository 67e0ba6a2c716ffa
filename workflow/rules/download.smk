rule download:
    output:
        npz=ARRAYS,
        facts=FACTS,
    log:
        "logs/download/{dataset}.log",
    wildcard_constraints:
        dataset="|".join(plan.config.datasets),
    localrule: True
    resources:
        # Not a parameter: mirrors and time-outs change how the data come, not what they are.
        request=lambda w: plan.download_request(w.dataset),
    params:
        # Verified by its content, so the stage's code is not tracked.
        # A function: Snakemake takes braces in plain text for wildcards.
        dataset=lambda w: plan.dataset_identity(w.dataset),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.download --request {resources.request}'
        " --npz {output.npz:q} --json {output.facts:q} 2>&1 | tee {log}"
