rule probe:
    input:
        facts=lambda w: FACTS.format(dataset=plan.dataset_of(w.variant)),
        npz=ancient(lambda w: ARRAYS.format(dataset=plan.dataset_of(w.variant))),
    output:
        GRADIENTS,
    log:
        "logs/probe/{device}/{variant}.log",
    # Beside the long runs, not alone after them.
    priority: lambda w: plan.priority(w.variant)
    threads: 1
    resources:
        gpu=lambda w: cards_of_job(w.device),
        mem_mb=lambda w, attempt: plan.probe_reservation(w.variant).mem_mb(attempt),
        runtime=lambda w, attempt: plan.probe_reservation(w.variant).runtime(attempt),
    params:
        request=lambda w: plan.probe_request(w.variant, w.device),
        sources=lambda w: plan.sources("probe", w.device, w.variant),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages probe --request {params.request}'
        " --dataset {input.npz:q} --facts {input.facts:q} --output {output:q} "
        + LOGGED
