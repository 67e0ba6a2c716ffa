# A checkpoint, so that Snakemake looks again at what lies behind it: figures are made anew only
# from tables that did not come out as they were.
checkpoint analyze:
    input:
        rules.collect.output.tables,
    output:
        tables=ANALYZED,
    log:
        "logs/analyze.log",
    localrule: True
    params:
        request=ANALYZE_REQUEST,
        sources=plan.sources("analyze"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages analyze --request {params.request}'
        ' --tables "$(dirname {output.tables[0]:q})" ' + LOGGED
