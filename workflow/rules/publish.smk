rule publish:
    input:
        rules.render.output,
        rules.collect.input.runs,
        rules.collect.input.timings,
        rules.collect.input.gradients,
        rules.collect.input.profiles,
    output:
        directory("reports/site"),
    log:
        "logs/publish.log",
    localrule: True
    params:
        request=plan.publish_request(),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.publish --reports reports --results results'
        ' --site {output:q} --request "{params.request}" ' + LOGGED
