rule time:
    input:
        facts=lambda w: FACTS.format(dataset=plan.dataset_of_study(w.study)),
        npz=ancient(lambda w: ARRAYS.format(dataset=plan.dataset_of_study(w.study))),
    output:
        TIMING,
    log:
        "logs/time/{device}/{study}.log",
    # The whole machine: nothing else of this workflow runs beside a timing session.
    threads: workflow.cores
    resources:
        gpu=lambda w: cards_of_job(w.device),
        mem_mb=lambda w, attempt: plan.session_reservation(w.study).mem_mb(attempt),
        runtime=lambda w, attempt: plan.session_reservation(w.study).runtime(attempt),
    params:
        request=lambda w: plan.time_request(w.study, w.device),
        sources=lambda w: plan.time_sources(w.study, w.device),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.time --request {params.request}'
        " --dataset {input.npz:q} --facts {input.facts:q} --output {output:q} "
        + LOGGED
