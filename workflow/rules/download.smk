rule download:
    output:
        npz="data/mnist.npz",
        facts="data/mnist.json",
    log:
        "logs/download.log",
    localrule: True
    resources:
        # Not a parameter: mirrors and time-outs change how the data come, not what they are.
        request=plan.download_request(),
    params:
        # Verified by its content, so the stage's code is not tracked.
        # A function: Snakemake takes braces in plain text for wildcards.
        dataset=lambda w: plan.dataset_identity(),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.download --request {resources.request}'
        " --npz {output.npz:q} --json {output.facts:q} 2>&1 | tee {log}"
