"""Makes a small cluster on an API server that has no kubelets: nodes, a namespace, Pods with their
statuses, and a Service.
"""
import argparse
import os

import stand_in


def cluster(nodes, pods):
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    for node in range(nodes):
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{node}"},
               "spec": {"podCIDR": f"10.10.{node}.0/24", "podCIDRs": [f"10.10.{node}.0/24"]},
               "status": {"addresses": [{"type": "InternalIP", "address": f"192.168.0.{node + 1}"}]}}
    for pod in range(pods):
        node = pod % nodes
        yield {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": f"p{pod}", "namespace": "shop",
                            "labels": {"app": "web" if pod % 2 else "db"}},
               "spec": {"nodeName": f"n{node}", "containers": [
                   {"name": "c", "image": "none", "ports": [{"containerPort": 80}],
                    "env": [{"name": "PASSWORD", "value": "not-for-the-log"}]}]},
               "status": {"phase": "Running", "podIP": f"10.10.{node}.{10 + pod}",
                          "podIPs": [{"ip": f"10.10.{node}.{10 + pod}"}],
                          "conditions": [{"type": "Ready", "status": "True"}]}}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
           "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.77",
                    "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}}


PLURALS = {"Namespace": "namespaces", "Node": "nodes", "Pod": "pods", "Service": "services"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--pods", type=int, default=6)
    options = parser.parse_args()
    server = stand_in.Server(options.server, os.environ["STAND_IN_TOKEN"], options.ca)
    for one in cluster(options.nodes, options.pods):
        namespace = one["metadata"].get("namespace")
        path = "/api/v1/" + (f"namespaces/{namespace}/" if namespace else "") + PLURALS[one["kind"]]
        status = one.get("status")
        made = server.ask("POST", path, one)
        if status:
            made["status"] = status
            server.ask("PUT", f"{path}/{one['metadata']['name']}/status", made)


if __name__ == "__main__":
    main()
