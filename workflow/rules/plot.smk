rule plot:
    input:
        tables=rules.collect.output.tables,
        statistics=rules.analyze.output.tables,
    output:
        svg=f"{FIGURE}.svg",
        facts=f"{FIGURE}.json",
    log:
        "logs/plot/{figure}.log",
    localrule: True
    params:
        module=lambda w: plan.figure_module(w.figure),
        sources=lambda w: plan.figure_sources(w.figure),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages plot --figure {wildcards.figure} --module {params.module}'
        ' --tables "$(dirname {input.tables[0]:q})" --output {output.svg:q} ' + LOGGED
