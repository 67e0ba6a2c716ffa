QUICK_PAGES = [page.replace("index", "quick", 1) for page in PAGES]


# A prediction of the answer, without any race to a target.
rule predict:
    input:
        timing=expand(TIMING, device=plan.devices[:1], study=plan.quick.study),
        gradients=expand(GRADIENTS, device=plan.devices[:1], variant=plan.quick.probed),
        runs=expand(RUN, device=plan.devices[:1], variant=plan.quick.tuned),
        templates=local(TEMPLATES),
    output:
        facts="reports/quick.json",
        pages=QUICK_PAGES,
    log:
        "logs/quick.log",
    localrule: True
    params:
        run=lambda w, input: " ".join(f"--run {file}" for file in input.runs),
        variants=plan.quick.variants,
        templates=plan.content(TEMPLATES),
        sources=plan.sources("quick"),
    shell:
        '"$BATCHMARK_PYTHON" -m batchmark.stages quick --timing {input.timing:q}'
        " --gradients {input.gradients:q} {params.run} --variants {params.variants}"
        ' --templates "$(dirname {input.templates[0]:q})"'
        ' --reports "$(dirname {output.facts:q})" ' + LOGGED + " && cat {log} >&2"


rule quick:
    input:
        rules.predict.output,
        # So that a result that is missing is made again, as for the report.
        rules.predict.input.timing,
        rules.predict.input.gradients,
        rules.predict.input.runs,
