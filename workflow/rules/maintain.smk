rule calibrate:
    output:
        CALIBRATION,
    log:
        "logs/calibrate.log",
    threads: workflow.cores
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.calibrate --output {output} 2> {log}'


rule clean_stale:
    log:
        "logs/clean_stale.log",
    localrule: True
    params:
        request=COLLECT_REQUEST,
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.clean_stale --request {params.request}'
        " --results results --scratch scratch ${{DELETE:+--delete}} 2>&1 | tee {log}"


rule rebuild:
    log:
        "logs/rebuild.log",
    localrule: True
    params:
        command=REBUILD,
    shell:
        "{params.command} 2>&1 | tee {log}"
