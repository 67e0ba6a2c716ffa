# A checkpoint, so that Snakemake looks again at what lies behind it: statistics and figures are made anew only
# from tables that did not come out as they were.
checkpoint collect:
    input:
        runs=expand(RUN, device=plan.devices, variant=plan.variants),
        timings=expand(TIMING, device=plan.devices, study=plan.timed),
        gradients=expand(GRADIENTS, device=plan.devices[:1], variant=plan.probed),
        profiles=expand(PROFILE, device=plan.devices, study=plan.profiled),
        others=local(plan.results_of_other_machines(Path("results"))),
    output:
        tables=COLLECTED,
    log:
        "logs/collect.log",
    localrule: True
    params:
        request=COLLECT_REQUEST,
        results=lambda w, input: str(Path(input.runs[0]).parents[3]),
        sources=plan.sources("collect"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages collect --request {params.request}'
        ' --results {params.results:q} --tables "$(dirname {output.tables[0]:q})" '
        + LOGGED
