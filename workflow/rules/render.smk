TEMPLATES = [str(path) for path in sorted((BASE / "workflow/report").glob("**/*.*"))]


rule render:
    input:
        tables=rules.collect.output.tables,
        statistics=rules.analyze.output.tables,
        figures=expand([f"{FIGURE}.svg", f"{FIGURE}.json"], figure=plan.figures()),
        templates=local(TEMPLATES),
    output:
        english=report(
            "reports/index.html",
            caption="../report/captions/page.rst",
            category="Report",
        ),
        chinese=report(
            "reports/index.zh.html",
            caption="../report/captions/page.rst",
            category="Report",
        ),
    log:
        "logs/render.log",
    localrule: True
    params:
        request=RENDER_REQUEST,
        sources=plan.sources("render"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.render --request {params.request}'
        ' --tables "$(dirname {input.tables[0]:q})" --figures "$(dirname {input.figures[0]:q})"'
        ' --templates "$(dirname {input.templates[0]:q})"'
        ' --reports "$(dirname {output.english:q})" ' + LOGGED
