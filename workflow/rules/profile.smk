rule profile:
    input:
        facts=lambda w: FACTS.format(dataset=plan.dataset_of_study(w.study)),
        npz=ancient(lambda w: ARRAYS.format(dataset=plan.dataset_of_study(w.study))),
    output:
        PROFILE,
    log:
        "logs/profile/{device}/{study}.log",
    # The whole machine, as when it is timed: the profile explains those times.
    threads: workflow.cores
    resources:
        gpu=lambda w: cards_of_job(w.device),
        mem_mb=lambda w, attempt: plan.profile_reservation(w.study).mem_mb(attempt),
        runtime=lambda w, attempt: plan.profile_reservation(w.study).runtime(attempt),
    params:
        request=lambda w: plan.profile_request(w.study, w.device),
        sources=lambda w: plan.profile_sources(w.study, w.device),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages profile --request {params.request}'
        " --dataset {input.npz:q} --facts {input.facts:q} --output {output:q} "
        + LOGGED
