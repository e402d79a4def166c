"""The list of services compared with the code and the manifests."""

from ticketing_common.settings import StoreSettings
from ticketing_common.topology import (
    SERVICE_NAMES,
    SERVICES,
    SERVICES_WITH_DATABASE,
    SERVICES_WITH_ROUTES,
)
from ticketing_dev.checkout import INGRESS, ROOT
from ticketing_dev.stack.processes.ingress import Ingress
from ticketing_dev.tools.env_example import settings_class
from ticketing_dev.tools.openapi import documents

PREFIXES = {service.name: service.route_prefix for service in SERVICES if service.route_prefix}


def test_services_are_the_folders_of_services() -> None:
    folders = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
    assert {*SERVICE_NAMES} == folders
    assert len(SERVICE_NAMES) == len(folders)


def test_services_with_database_have_its_setting() -> None:
    with_setting = [
        name for name in SERVICE_NAMES if issubclass(settings_class(name), StoreSettings)
    ]
    assert with_setting == [*SERVICES_WITH_DATABASE]


def test_services_with_routes_serve_their_prefix() -> None:
    assert {*SERVICES_WITH_ROUTES} == PREFIXES.keys()
    for name, document in documents().items():
        assert all(path.startswith(str(PREFIXES[name])) for path in document["paths"])


def test_route_prefixes_are_the_routes_of_the_ingress() -> None:
    routes = {
        route.backend.removesuffix("-srv"): route.path
        for route in Ingress.from_manifest(INGRESS).routes
        if route.path.startswith("/api/")
    }
    assert {name: routes.get(name) for name in PREFIXES} == PREFIXES
