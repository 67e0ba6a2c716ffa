# Where batchmark lies: here, or elsewhere when another workflow uses it as a module.
RULES = workflow.current_basedir.get_path_or_uri(secret_free=True)
BASE = Path(os.path.relpath(RULES)).parents[1]

# What the rules run: the interpreter that runs Snakemake, whatever `python` a shell would find, and
# the code beside them. Variables, since parameters are compared and paths differ between machines.
FOLDERS = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
os.environ.update(BATCHMARK_PYTHON=sys.executable, PYTHONPATH=os.pathsep.join(FOLDERS))

# Jobs of a cluster stay within what the cluster gave them.
if not workflow.is_main_process:
    os.environ.pop(VARIABLE, None)

# Whether jobs run on this machine: the executor is not known yet, but clusters need `jobs`.
HERE = workflow.is_main_process and workflow.resource_settings.nodes is None
# One job a card: without a total, every core would start a job that waits for the others.
CARDS = card_count() if HERE else 0
if CARDS and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", CARDS)
# Whether their files lie in this folder.
IN_THIS_FOLDER = workflow.storage_settings.default_storage_provider is None


@contextmanager
def sentences():
    """Snakemake shows the text of its own errors only."""
    try:
        yield
    except UserError as error:
        raise WorkflowError(str(error)) from None
    except OSError as error:
        # A folder that is read-only or gone; some errors name no file.
        raise WorkflowError(
            f"{error.filename or 'a file'}: {error.strerror or error}."
        ) from None


with sentences():
    plan = open_plan(
        config,
        files=in_order_of_priority(
            workflow.configfiles, workflow.overwrite_configfiles
        ),
        folders=[Path("config/studies"), BASE / "config/studies"],
        handover=Path(".snakemake/batchmark"),
        jobs_run_here=HERE,
        command_line=workflow.config_settings.config,
    )


def listed(path, category, labels):
    """For Snakemake's own report, unless there is nothing to show."""
    if not labels:
        return path
    caption = f"../report/captions/{category.lower()}.rst"
    return report(path, caption=caption, category=category, labels=labels)


wildcard_constraints:
    machine="[a-z0-9][a-z0-9_-]*",
    device="|".join(DEVICES),
    variant="[A-Za-z0-9][A-Za-z0-9._-]*",
    study="|".join(plan.studies),
    figure="[a-z0-9_.-]+",


# The end of a stage's command: its words go to the log, from which `hooks.progress` tells why it failed.
LOGGED = "> {log} 2>&1"

with sentences():
    COLLECT_REQUEST = plan.collect_request()
    ANALYZE_REQUEST = plan.analyze_request()
    RENDER_REQUEST = plan.render_request()

ARRAYS = "data/{dataset}.npz"
FACTS = "data/{dataset}.json"
RESULTS = f"results/{plan.machine}/{{device}}"
RUN = f"{RESULTS}/runs/{{variant}}.json"
TIMING = f"{RESULTS}/timings/{{study}}.json"
GRADIENTS = f"{RESULTS}/gradients/{{variant}}.json"
PROFILE = f"{RESULTS}/profiles/{{study}}.json"
FIGURE = "reports/figures/{figure}"

COLLECTED = [f"results/tables/{name}" for name in COLLECTED_FILES]
ANALYZED = [f"results/tables/{name}" for name in ANALYZED_FILES]
JUDGED = [f"results/tables/{name}" for name in JUDGED_FILES]
