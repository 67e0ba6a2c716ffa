# Verified by its content, so neither the stage's code nor the mirrors are tracked: the path of the
# request, which names them, is always the same.
DOWNLOAD_REQUEST = ".snakemake/batchmark/download.json"
write_text(Path(DOWNLOAD_REQUEST), plan.download_request())


rule download:
    output:
        npz="data/mnist.npz",
        facts="data/mnist.json",
    log:
        "logs/download.log",
    localrule: True
    params:
        dataset=plan.dataset_identity(),
        request=DOWNLOAD_REQUEST,
    shell:
        'python -m batchmark.stages.download --request "$(cat {params.request})"'
        " --npz {output.npz} --json {output.facts} 2>&1 | tee {log}"
