rule publish:
    input:
        rules.render.output,
        rules.collect.input.runs,
        rules.collect.input.timings,
        rules.collect.input.gradients,
    output:
        directory("reports/site"),
    log:
        "logs/publish.log",
    localrule: True
    params:
        # A function: Snakemake takes braces in plain text for wildcards.
        remote=lambda w: plan.publish_arguments(),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.publish --reports reports --results results'
        " --site {output:q} {params.remote} " + LOGGED
