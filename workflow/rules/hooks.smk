STAGES = [
    *("download", "train", "time", "probe", "profile"),
    *("plot", "render", "report", "calibrate"),
]

places = Places(
    own=Path(".snakemake"),
    facts=Path(rules.download.output.facts).with_name(f"{plan.first_dataset}.json"),
    results=Path(rules.collect.output.tables[0]).parents[1],
    logs=Path(rules.collect.log[0]).parent,
    reports=Path(rules.render.output.pages[0]).parent,
    templates=BASE / "workflow/report",
)
with sentences():
    places.check()
server = ForkServer(places.own / "forkserver")
hooks = Hooks(plan, places, cores=workflow.cores, logger=logger)
if workflow.is_main_process and not workflow.output_settings.dryrun:
    logger.addHandler(hooks.progress)


def needed_jobs():
    # A module's user may have given the rules other names.
    stages = {getattr(rules, stage).rule.name: stage for stage in STAGES}
    return {
        workflow.dag.jobid(job): (
            stages.get(job.rule.name, job.rule.name),
            job.wildcards_dict,
        )
        for job in workflow.dag.needrun_jobs()
    }


# Another workflow that uses this one as a module calls them from its own, see docs/tutorial.md.
onstart:
    with sentences():
        jobs = needed_jobs()
        hooks.start(
            jobs, workflow.local_exec, done=len([*workflow.dag.jobs]) - len(jobs)
        )
    # What is imported for the processor cannot serve cards.
    if plan.devices == ["cpu"]:
        server.start()


onsuccess:
    server.stop()
    with sentences():
        hooks.succeed()


onerror:
    server.stop()
    with sentences():
        hooks.fail(IN_THIS_FOLDER)
