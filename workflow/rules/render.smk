TEMPLATES = [str(path) for path in sorted((BASE / "workflow/report").glob("**/*.*"))]
# One a language: English, and each that has a catalogue among the templates.
LANGUAGES = language_codes(BASE / "workflow/report")
PAGES = [f"reports/{page_file(code)}" for code in LANGUAGES]


rule render:
    input:
        tables=rules.collect.output.tables,
        statistics=rules.analyze.output.tables,
        claims=rules.judge.output.tables,
        figures=expand([f"{FIGURE}.svg", f"{FIGURE}.json"], figure=plan.figures()),
        templates=local(TEMPLATES),
    output:
        pages=report(
            PAGES,
            caption="../report/captions/page.rst",
            category="Report",
        ),
        answer=f"reports/{ANSWER_FILE}",
    log:
        "logs/render.log",
    localrule: True
    params:
        request=RENDER_REQUEST,
        # By content: an edit that keeps a file's time counts, a new time alone does not.
        templates=plan.content(TEMPLATES),
        sources=plan.sources("render"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages.render --request {params.request}'
        ' --tables "$(dirname {input.tables[0]:q})" --figures "$(dirname {input.figures[0]:q})"'
        ' --templates "$(dirname {input.templates[0]:q})"'
        ' --reports "$(dirname {output.pages[0]:q})" ' + LOGGED
