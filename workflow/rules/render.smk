TEMPLATES = [str(path) for path in sorted((BASE / "workflow/report").glob("**/*.*"))]
# One a language: English, and each that has a catalogue among the templates.
LANGUAGES = language_codes(BASE / "workflow/report")
PAGES = [f"reports/{page_file(code)}" for code in LANGUAGES]
FIGURES = expand(f"{FIGURE}.svg", figure=plan.figures())


rule render:
    input:
        tables=rules.collect.output.tables,
        statistics=[listed(path, "Tables", table_labels(path)) for path in ANALYZED],
        claims=[listed(path, "Tables", table_labels(path)) for path in JUDGED],
        figures=[listed(path, "Figures", figure_labels(path)) for path in FIGURES],
        facts=expand(f"{FIGURE}.json", figure=plan.figures()),
        templates=local(TEMPLATES),
    output:
        pages=[
            listed(page, "Pages", {"language": code})
            for page, code in zip(PAGES, LANGUAGES)
        ],
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
        '"$BATCHMARK_PYTHON" -m batchmark.stages render --request {params.request}'
        ' --tables "$(dirname {input.tables[0]:q})" --figures "$(dirname {input.figures[0]:q})"'
        ' --templates "$(dirname {input.templates[0]:q})"'
        ' --reports "$(dirname {output.pages[0]:q})" ' + LOGGED
