rule analyze:
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
        '"$BATCHMARK_PYTHON" -m batchmark.stages.analyze --request {params.request}'
        ' --tables "$(dirname {output.tables[0]:q})" ' + LOGGED
