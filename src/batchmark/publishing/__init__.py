"""The report as a web site: its files, its archive of earlier reports, the branch it lives on."""
