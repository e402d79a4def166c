"""A contract type that import-linter does not have."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ImportsOnly(Contract):
    """A package imports only itself, the standard library and the allowed packages.

    Options: `source_package`, and `allowed_packages`, top-level package names or full module names.
    """

    type_name = "imports_only"

    source_package = fields.StringField()
    allowed_packages = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        source: Any = self.source_package
        allowed: Any = self.allowed_packages
        modules = {source} | graph.find_descendants(source)
        violations = [
            f"{importer} imports {imported}"
            for importer in sorted(modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer) - modules)
            if imported not in allowed
            and imported.partition(".")[0] not in allowed | sys.stdlib_module_names
        ]
        return ContractCheck(kept=not violations, metadata={"violations": violations})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["violations"]:
            output.print_error(line)
