rule judge:
    input:
        rules.collect.output.tables,
    output:
        tables=JUDGED,
    log:
        "logs/judge.log",
    localrule: True
    params:
        request=ANALYZE_REQUEST,
        sources=plan.sources("judge"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages judge --request {params.request}'
        ' --tables "$(dirname {output.tables[0]:q})" ' + LOGGED
