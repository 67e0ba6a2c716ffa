import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path

from snakemake.utils import min_version
from snakemake.exceptions import WorkflowError

# The code beside this file, not that of another checkout whose environment may be in use.
SOURCE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True), "src")
sys.path.insert(0, str(SOURCE))
# The terminal's plugin has imported some of it already, perhaps from there.
for module in [name for name in sys.modules if name.partition(".")[0] == "batchmark"]:
    del sys.modules[module]

from batchmark.contract.tables import ANALYZED_FILES, COLLECTED_FILES, JUDGED_FILES
from batchmark.contract.errors import UserError
from batchmark.machine.cards import card_count, cards_of_job
from batchmark.machine.garbage import collect_seldom
from batchmark.contract.devices import DEVICES
from batchmark.contract.languages import ANSWER_FILE, language_codes, page_file
from batchmark.report.listing import figure_labels, table_labels
from batchmark.plan.hooks import Hooks, Places
from batchmark.plan.studies import in_order_of_priority
from batchmark.plan.plan import open_plan
from batchmark.stages.forkserver import VARIABLE, ForkServer

min_version("9.0")
collect_seldom()


report: "workflow/report/captions/answer.rst"


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/download.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/time.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/profile.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/analyze.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/quick.smk"
include: "workflow/rules/hooks.smk"
include: "workflow/rules/maintain.smk"


rule report:
    default_target: True
    input:
        rules.render.output,
        # So that a result that is missing is made again, whatever was made of it before.
        rules.collect.input.runs,
        rules.collect.input.timings,
        rules.collect.input.gradients,
        rules.collect.input.profiles,
        # A kill may leave these missing behind a page that is up to date without them.
        rules.render.input.figures,
        rules.render.input.facts,
        rules.render.input.tables,
        rules.render.input.statistics,
        rules.render.input.claims,
