"""The sidecar that maps a package's operations and weights to torch modules: scopes do not survive in a saved package.

coremltools keeps, on every operation, the name of the torch value that it came from, and a module hierarchy in which
containers are missing (`unet.0.0.norm1`). The full path comes from walking the traced module before it is inlined.

`Unet.mlpackage` has `Unet.modules.json` beside it, one JSON object from names to dotted module paths; `sdqa.mil` reads
it (`OperationRecord.module`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sdqa.errors import ConversionError

_MARK = "sdqa_module"
_SUFFIXES = re.compile(r"(_to_fp(16|32)|_palettized(_pcs)?|_quantized|_sparsified|_pruned|_dequantized)+$")


def sidecar_path(package: Path) -> Path:
    """Where a package's sidecar is."""
    return package.with_name(f"{package.stem}.modules.json")


def write_modules(package: Path, modules: Mapping[str, str]) -> Path:
    """Write a package's sidecar, sorted."""
    path = sidecar_path(package)
    path.write_text(json.dumps(dict(sorted(modules.items())), indent=0) + "\n", "utf-8")
    return path


def plain_name(name: str) -> str:
    """A constant's name without what precision and compression passes append."""
    return _SUFFIXES.sub("", name)


def constant_name(parameter: str) -> str:
    """The name that coremltools gives the constant of a parameter, before any pass."""
    return re.sub(r"\W", "_", parameter)


def map_modules(paths: Mapping[str, str], program: Any, parameters: Iterable[str]) -> dict[str, str]:
    """Names of results and constants to dotted module paths.

    Args:
        paths: from `value_paths`.
        program: the `_mil_program` of the converted model.
        parameters: the module's parameters, dotted.
    """
    from coremltools.converters.mil.mil.scope import ScopeSource

    owners = {constant_name(name): name.rpartition(".")[0] for name in parameters}
    modules: dict[str, str] = {}
    for operation in program.functions["main"].operations:
        name = operation.outputs[0].name
        scopes = operation.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME) or [""]
        constant = operation.op_type == "const"
        module = owners.get(plain_name(name)) if constant else paths.get(scopes[-1])
        if module is not None:
            modules[name] = module
    if not modules:
        raise ConversionError("no operation could be mapped to its torch module", hint="coremltools changed its scopes")
    return modules


def value_paths(traced: Any) -> dict[str, str]:
    """Torch value name, as coremltools will see it, to the dotted path of the module that computes it.

    Every node is marked with its module's path before coremltools' own preparation inlines the calls in place and
    renumbers the values; marks survive both. Preparing twice changes nothing.

    Raises:
        ConversionError: no mark survived.
    """
    from coremltools.converters.mil.frontend.torch.torchscript_utils import _expand_and_optimize_ir

    _mark(traced, traced, "forward", "")
    graph = _expand_and_optimize_ir(traced)[0]
    paths = {
        output.debugName(): node.s(_MARK)
        for node in graph.nodes()
        if node.hasAttribute(_MARK)
        for output in node.outputs()
    }
    if not paths:
        raise ConversionError("the traced graph cannot be mapped to its modules", hint="torch changed its tracer")
    return paths


def _mark(root: Any, module: Any, method: str, path: str) -> None:
    """Write the module's path on every tensor operation of a method, and of the methods it calls."""
    graph = module._c._get_method(method).graph
    owners = {next(iter(graph.inputs())).debugName(): path}
    for node in graph.nodes():
        if node.kind() == "prim::GetAttr":
            owner = owners.get(node.inputsAt(0).debugName())
            if owner is not None:
                owners[node.output().debugName()] = f"{owner}.{node.s('name')}".lstrip(".")
        elif node.kind() == "prim::CallMethod":
            callee = owners[node.inputsAt(0).debugName()]
            _mark(root, root.get_submodule(callee), node.s("name"), callee)
        elif node.kind().startswith("aten::") or node.kind() == "prim::ConstantChunk":
            node.s_(_MARK, path)
