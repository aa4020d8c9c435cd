"""The Kubernetes manifest: what the operator needs is there, nothing runs with more rights than it needs."""

from __future__ import annotations

import argparse
import importlib.metadata
import shlex
from itertools import chain

import pytest
import yaml
from packaging.version import Version

from tests.docs.pages import REPOSITORY
from valle_engine.cli import VERBS, run

MANIFEST = yaml.safe_load((REPOSITORY / "docs" / "kuberay.yaml").read_text())
CLUSTER = MANIFEST["spec"]["rayClusterSpec"]
HEAD = CLUSTER["headGroupSpec"]
GROUPS = [HEAD, *CLUSTER["workerGroupSpecs"]]
PODS = [group["template"]["spec"] for group in GROUPS]
CONTAINERS = list(chain.from_iterable(pod["containers"] for pod in PODS))


def test_it_is_a_ray_job_of_the_stable_api():
    assert (MANIFEST["apiVersion"], MANIFEST["kind"]) == ("ray.io/v1", "RayJob")
    assert MANIFEST["metadata"]["name"]
    known = {
        "entrypoint",
        "shutdownAfterJobFinishes",
        "ttlSecondsAfterFinished",
        "backoffLimit",
        "rayClusterSpec",
    }
    assert set(MANIFEST["spec"]) == known
    assert set(CLUSTER) == {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}


def test_its_entrypoint_is_a_run_of_a_job_on_that_cluster():
    program, verb, *arguments = shlex.split(MANIFEST["spec"]["entrypoint"])
    assert program == "valle"
    assert verb == "run"
    assert verb in VERBS
    parser = run_parser()
    parsed = parser.parse_args([verb, *arguments])
    assert (parsed.executor, parsed.address) == ("ray", "auto")
    assert str(parsed.job).startswith(mounts(CONTAINERS[0])["data"])


def run_parser():

    parser = argparse.ArgumentParser(exit_on_error=False)
    run.add_parser(parser.add_subparsers(dest="verb"))
    return parser


def mounts(container):
    return {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_token_is_on_and_the_version_knows_it():
    assert CLUSTER["authOptions"] == {"mode": "token"}
    [needed] = [line for line in importlib.metadata.requires("valle-engine") or [] if line.startswith("ray>=")]
    assert Version(CLUSTER["rayVersion"]) >= Version(needed.removeprefix("ray>="))


def test_ray_start_takes_text_only():
    assert all(isinstance(value, str) for group in GROUPS for value in group["rayStartParams"].values())


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])
def test_a_container_has_an_image_of_one_version_and_bounds(container):
    image, _, tag = container["image"].partition(":")
    assert (image, tag) == ("valle-engine", importlib.metadata.version("valle-engine"))
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_nothing_is_privileged():
    for pod in PODS:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not any("hostPath" in volume for volume in pod["volumes"])
    for container in CONTAINERS:
        rights = container["securityContext"]
        assert rights == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_mount_has_its_volume_and_the_ledger_is_the_drivers_alone():
    for pod in PODS:
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert all(set(mounts(container)) <= volumes for container in pod["containers"])
    holders = [container["name"] for container in CONTAINERS if "ledger" in mounts(container)]
    assert holders == ["ray-head"]
    assert {mounts(container)["data"] for container in CONTAINERS} == {"/data"}


def test_worker_groups_have_names_and_numbers_that_agree():
    for group in CLUSTER["workerGroupSpecs"]:
        assert group["groupName"]
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
