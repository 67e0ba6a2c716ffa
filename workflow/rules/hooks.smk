CALIBRATION = f"results/{plan.machine}/calibration.json"
MEASURED = (Path(CALIBRATION), Path("data/mnist.json"), workflow.cores)
STARTED = time.monotonic()
REBUILD = (
    f'"$BATCHMARK_PYTHON" -m batchmark.stages.rebuild --mark {REBUILT}'
    f" --collect-request {COLLECT_REQUEST} --analyze-request {ANALYZE_REQUEST}"
    f" --render-request {RENDER_REQUEST} --results results --tables results/tables"
    f" --figures reports/figures --templates {shlex.quote(str(BASE))}/workflow/report --reports reports"
)
announced_work = []


def expected(work):
    try:
        return expectation(plan, work, *MEASURED)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def announce(work):
    say(f"Expected:\n{expected(work).table()}")


def say(sentence):
    print(sentence, file=sys.stderr, flush=True)


onstart:
    # The kernel drops this lock when Snakemake ends, however it ends; the profile therefore
    # switches Snakemake's own lock off, which outlives a kill.
    if not try_lock(open_lock("batchmark.lock", Path(".snakemake")), EXCLUSIVE):
        raise WorkflowError(
            "Another Snakemake works in this folder; wait until it ends."
        )
    jobs = {
        workflow.dag.jobid(job): (job.rule.name, job.wildcards_dict)
        for job in workflow.dag.needrun_jobs()
    }
    work = work_of(jobs.values())
    if is_long(work) and workflow.local_exec:
        if not Path(CALIBRATION).exists():
            shell(
                '"$BATCHMARK_PYTHON" -m batchmark.stages.calibrate --output {CALIBRATION}'
            )
        announce(work)
        announced_work.append(work)
        downloads = [id_ for id_, (rule, _) in jobs.items() if rule == "download"]
        by_job = functools.partial(expected_by_job, plan, jobs, *MEASURED)
        logger.addHandler(Progress(by_job, downloads, say))


onsuccess:
    for work in announced_work:
        # For the images that were there: before the download, MNIST's number was assumed.
        taken = time.monotonic() - STARTED
        say(compared(expected(work).total, taken))
    if any(job.rule.name == "calibrate" for job in workflow.dag.jobs):
        announce(all_work(plan))


onerror:
    # A report of what there is, with what is missing listed.
    wanted = any(job.rule.name == "render" for job in workflow.dag.jobs)
    if wanted and IN_THIS_FOLDER:
        shell("{REBUILD} --partial")
