"""The security context and resources of rendered pods."""

from collections.abc import Iterator
from typing import Any

from tests.manifests.rules.objects import Pod


def restricted(pod: Pod) -> Iterator[str]:
    """Yield violations of the Pod Security level `restricted` and of the project's own rules."""
    own: Any = pod.spec.get("securityContext", {})
    if not own.get("runAsNonRoot") or not own.get("runAsUser", 0) >= 10000:
        yield f"{pod.name} may run as root"
    if own.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{pod.name} may make all system calls"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield f"{pod.name} has a token"
    for container in pod.containers:
        context, resources = container.get("securityContext", {}), container.get("resources", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{pod.name} may gain privileges"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{pod.name} has capabilities"
        if not context.get("readOnlyRootFilesystem"):
            yield f"{pod.name} may write to its root"
        for kind in ("requests", "limits"):
            if {*resources.get(kind, {})} != {"cpu", "memory"}:
                yield f"{pod.name} has no {kind}"
