"""`sdqa qa --engine dask`: plan, jobs on a cluster, gate."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sdqa.cli.options import resolve_plan
from sdqa.store.place import StorePlace

if TYPE_CHECKING:
    from sdqa.ci.jobs import PlannedJob

REPORT = Path(".sdqa") / "report"


def run_on_cluster(
    suite: str | None, scheduler: str, shards: int | None, output: Path | None, store: StorePlace
) -> int:
    """Run all lanes of a suite on a cluster and judge what comes back; the gate's exit code.

    Args:
        scheduler: its address; empty for workers on this machine.
        shards: jobs for each kind of machine; as many as there are workers otherwise.

    Raises:
        ExtraMissing: dask.distributed is not installed.
        ClusterError: the cluster cannot be reached, or sends what is no bundle.
    """
    from sdqa.ci import cluster
    from sdqa.ci.jobs import RUNNERS, Sharing, jobs_of
    from sdqa.cli.gating import run_gate
    from sdqa.plan import make_plan

    cluster.demand_dask()
    address = cluster.check_scheduler(scheduler) if scheduler else ""
    plan = resolve_plan(suite)
    whole = make_plan(plan.suite, plan.suite_path, platform="linux")
    folder = plan.suite_path.resolve().parent
    bundles = (store.folder.parent / "cluster").resolve()
    shutil.rmtree(bundles, ignore_errors=True)

    def order(job: PlannedJob) -> tuple[Any, ...]:
        return job.unit, plan.suite_path.name, str(folder), _store_of(store)

    with cluster.connected(address, shards or os.cpu_count() or 1) as client:
        count = shards or max(1, len(cluster.offered(client)))
        jobs = jobs_of(whole, Sharing(shards=count, runners=RUNNERS))
        click.echo(f"{len(jobs)} jobs, {len(cluster.offered(client))} workers")
        for line in cluster.received(cluster.run_jobs(client, jobs, order), bundles):
            click.echo(line)
        if not address:
            client.cluster.close()
    return run_gate((bundles,), suite, None, None, "", output or REPORT)


def _store_of(store: StorePlace) -> tuple[str, ...]:
    """What a worker is told of the store: one that machines share; a folder is each machine's own."""
    return tuple(store.options("--store")) if store.url else ()
