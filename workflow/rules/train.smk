rule train:
    input:
        facts=lambda w: FACTS.format(dataset=plan.dataset_of(w.variant)),
        npz=ancient(lambda w: ARRAYS.format(dataset=plan.dataset_of(w.variant))),
    output:
        RUN,
    log:
        "logs/train/{device}/{variant}.log",
    priority: lambda w: plan.priority(w.variant)
    threads: 1
    resources:
        # Not a parameter: it changes what a kill costs and no result.
        checkpoint_seconds=str(plan.config.training.checkpoint_seconds),
        gpu=lambda w: cards_of_job(w.device),
        mem_mb=lambda w, attempt: plan.run_reservation(w.variant).mem_mb(attempt),
        runtime=lambda w, attempt: plan.run_reservation(w.variant).runtime(attempt),
    params:
        request=lambda w: plan.train_request(w.variant, w.device),
        sources=lambda w: plan.sources("train", w.device, w.variant),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages train --request {params.request}'
        " --checkpoint scratch/{wildcards.device}/{wildcards.variant}"
        " --checkpoint-seconds {resources.checkpoint_seconds}"
        " --dataset {input.npz:q} --facts {input.facts:q} --output {output:q} "
        + LOGGED
