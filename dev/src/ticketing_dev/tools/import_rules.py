"""A rule for import-linter that it does not bring along."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ImportsOnly(Contract):
    """A package imports itself, the standard library, and what is named. Nothing else.

    Options: `source_package`, and `allowed_packages`, names of whole packages.
    """

    type_name = "imports_only"

    source_package = fields.StringField()
    allowed_packages = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        source: Any = self.source_package
        allowed: Any = self.allowed_packages
        modules = {source} | graph.find_descendants(source)
        wrong = [
            f"{importer} imports {imported}"
            for importer in sorted(modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer) - modules)
            if imported.partition(".")[0] not in allowed | sys.stdlib_module_names
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["wrong"]:
            output.print_error(line)
