"""Fleets that others schedule: virtual Macs (orchard) and Linux pods (actions-runner-controller), as files to use.

A virtual Mac has no Neural Engine: these are for the lanes that need none. Nothing here holds a secret; the
configuration of a life goes into a virtual machine through standard input.
"""

from __future__ import annotations

import json
import re
import shlex

from sdqa.runner.place import RunnerState
from sdqa.runner.texts import MAC_IMAGE, hook_program

KINDS = ("orchard", "arc")
POD_IMAGE = "ghcr.io/actions/actions-runner:latest"
SECRET = "sdqa-runner-github"
ORCHARD = """#!/bin/sh
# One job in a virtual Mac that orchard schedules; the image brings the runner in ~/actions-runner.
# The job's configuration comes on standard input:   printf '%s' "$JIT" | ./orchard-life.sh
set -eu
guest={name}-$$
orchard create vm --image {image} --cpu {cpus} --memory {memory_mb} "$guest"
trap 'orchard delete vm "$guest"' EXIT
trap 'exit 143' TERM INT HUP
{{ printf 'ACTIONS_RUNNER_INPUT_JITCONFIG=%s\\n' "$(cat)"; cat <<'GUEST'
export ACTIONS_RUNNER_INPUT_JITCONFIG
cd "$HOME/actions-runner" && exec ./run.sh
GUEST
}} | orchard ssh vm --wait 300 "$guest" "bash -s"
"""

ARC = """# Values of the chart gha-runner-scale-set: Linux pods, each for one job.
#   kubectl create namespace {name}
#   kubectl --namespace {name} create secret generic {secret} --from-file=github_token=/dev/stdin   # paste, then Ctrl-D
#   kubectl --namespace {name} create configmap {name}-hook --from-file=pre-job.sh --from-file=pre_job.py
#   helm install {name} --namespace {name} --values arc-values.yaml \\
#     oci://ghcr.io/actions/actions-runner-controller-charts/gha-runner-scale-set
githubConfigUrl: {url}
githubConfigSecret: {secret}
runnerScaleSetName: {name}
minRunners: 0
maxRunners: {most}
template:
  spec:
    automountServiceAccountToken: false
    securityContext:
      runAsNonRoot: true
      runAsUser: 1001
      seccompProfile:
        type: RuntimeDefault
    containers:
      - name: runner
        image: {image}
        command: ["/home/runner/run.sh"]
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop: ["ALL"]
        env:
          - name: ACTIONS_RUNNER_HOOK_JOB_STARTED
            value: /etc/sdqa/pre-job.sh
        resources:
          requests: {{cpu: "{cpus}", memory: {memory_mb}Mi, ephemeral-storage: 20Gi}}
          limits: {{memory: {memory_mb}Mi, ephemeral-storage: 40Gi}}
        volumeMounts:
          - {{name: sdqa, mountPath: /etc/sdqa, readOnly: true}}
    volumes:
      - name: sdqa
        configMap:
          name: {name}-hook
          defaultMode: 0555
"""
POD_HOOK = """#!/bin/sh
# Without this answer no job begins; an image without python3 refuses every job.
exec python3 -I /etc/sdqa/pre_job.py
"""


def files(
    kind: str, state: RunnerState, *, cpus: int = 4, memory_gib: int = 8, most: int = 4
) -> dict[str, tuple[str, int]]:
    """The files of a fleet of one kind: name → text and mode."""
    chosen = state.image or (MAC_IMAGE if kind == "orchard" else POD_IMAGE)
    name = re.sub(r"[^a-z0-9-]+", "-", state.name.lower()).strip("-")
    values = {"name": name, "image": chosen, "cpus": cpus, "memory_mb": memory_gib * 1024}
    if kind == "orchard":
        return {"orchard-life.sh": (ORCHARD.format(**{**values, "image": shlex.quote(chosen)}), 0o755)}
    url = f"{_web(state.api)}/{state.scope}"
    text = ARC.format(**values, secret=SECRET, url=json.dumps(url), most=most)
    return {
        "arc-values.yaml": (text, 0o644),
        "pre-job.sh": (POD_HOOK, 0o755),
        "pre_job.py": (hook_program(), 0o644),
    }


def _web(api: str) -> str:
    """Where people see what the API serves: a GitHub Enterprise Server has its API below its own address."""
    return "https://github.com" if api == "https://api.github.com" else api.removesuffix("/api/v3")
