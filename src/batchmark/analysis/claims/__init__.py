"""The claims of the article and how each is decided: one small function a claim.

To add one, write a function of `Evidence` with the `claim` decorator in the module of its theme;
a new module is named in `verdicts.MODULES`. Its words are in `batchmark.report.claim_words`.
"""
