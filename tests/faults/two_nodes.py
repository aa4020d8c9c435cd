"""A Ray cluster of two machines on this one, driven by lines on standard input: `leave` or `kill` ends the second."""

import os
import signal
import sys

from ray._private.ray_constants import PROCESS_TYPE_RAYLET
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
sys.stdout.write(f"{cluster.address}\n")
sys.stdout.flush()
for line in sys.stdin:
    if line.strip() == "leave":
        cluster.remove_node(second, allow_graceful=True)
    if line.strip() == "kill":
        os.kill(second.all_processes[PROCESS_TYPE_RAYLET][0].process.pid, signal.SIGKILL)
cluster.shutdown()
