rule calibrate:
    output:
        f"results/{plan.machine}/calibration.json",
    log:
        "logs/calibrate.log",
    threads: workflow.cores
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.calibrate --output {output} ' + LOGGED


rule clean_stale:
    log:
        "logs/clean_stale.log",
    localrule: True
    params:
        request=COLLECT_REQUEST,
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.clean_stale --request {params.request}'
        " --results results --scratch scratch ${{DELETE:+--delete}} 2>&1 | tee {log}"


rule partial:
    log:
        "logs/partial.log",
    localrule: True
    params:
        command=shlex.join(hooks.partial_command()),
    shell:
        "{params.command} 2>&1 | tee {log}"
