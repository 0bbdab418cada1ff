"""Uses a server as Python programs do, with the official client; prints `ok` at the end.

Arguments: the kubeconfig, and the name of a Traceflow that is there.
"""
import sys

from kubernetes import client, config, watch
from kubernetes.dynamic import DynamicClient

config.load_kube_config(config_file=sys.argv[1])
held = sys.argv[2]
api = client.CustomObjectsApi()
group, version, plural = "crd.antrea.io", "v1beta1", "traceflows"


def traceflow(name, **spec):
    return {
        "apiVersion": f"{group}/{version}",
        "kind": "Traceflow",
        "metadata": {"name": name, "labels": {"made-by": "python"}},
        "spec": {
            "source": {"namespace": "default", "pod": "pod1"},
            "destination": {"namespace": "default", "pod": "pod3"},
            "packet": {
                "ipHeader": {"protocol": 6},
                "transportHeader": {"tcp": {"dstPort": 80}},
            },
            **spec,
        },
    }


assert client.VersionApi().get_code().major == "1"
groups = [g.name for g in client.ApisApi().get_api_versions().groups]
assert group in groups and "tracectl.dev" in groups, groups

listed = api.list_cluster_custom_object(group, version, plural)
assert held in [item["metadata"]["name"] for item in listed["items"]], listed
since = listed["metadata"]["resourceVersion"]

for number in range(5):
    made = api.create_cluster_custom_object(group, version, plural, traceflow(f"py-{number}"))
    assert made["metadata"]["uid"], made

# Every event since the list, in order, until the fifth has succeeded.
seen = {}
stream = watch.Watch()
for event in stream.stream(
    api.list_cluster_custom_object, group, version, plural, resource_version=since,
    timeout_seconds=20, label_selector="made-by=python",
):
    name = event["object"]["metadata"]["name"]
    seen.setdefault(name, []).append(event["object"]["status"].get("phase"))
    assert event["type"] == ("ADDED" if len(seen[name]) == 1 else "MODIFIED"), (event, seen)
    if len(seen) == 5 and all(phases[-1] == "Succeeded" for phases in seen.values()):
        stream.stop()
assert len(seen) == 5, seen
for phases in seen.values():
    order = ["Pending", "Running", "Succeeded"]
    assert [order.index(p) for p in phases] == sorted(order.index(p) for p in phases), seen

# Page by page.
names, after = [], None
while True:
    page = api.list_cluster_custom_object(
        group, version, plural, limit=2, **({"_continue": after} if after else {}))
    names += [item["metadata"]["name"] for item in page["items"]]
    after = page["metadata"].get("continue")
    if not after:
        break
assert [f"py-{n}" for n in range(5)] == [n for n in names if n.startswith("py-")], names
assert len(names) == len(set(names)), names

merged = api.patch_cluster_custom_object(
    group, version, plural, "py-0", {"metadata": {"labels": {"colour": "red"}}})
assert merged["metadata"]["labels"] == {"made-by": "python", "colour": "red"}, merged
red = api.list_cluster_custom_object(group, version, plural, label_selector="colour in (red)")
assert [item["metadata"]["name"] for item in red["items"]] == ["py-0"], red

dynamic = DynamicClient(client.ApiClient())
traceflows = dynamic.resources.get(api_version=f"{group}/{version}", kind="Traceflow")
assert traceflows.get(name="py-1").status.verdict == "Delivered"
stepped = traceflows.patch(
    name="py-1", content_type="application/json-patch+json",
    body=[{"op": "replace", "path": "/metadata/labels/made-by", "value": "snake"}])
assert stepped.metadata.labels["made-by"] == "snake"
applied = traceflows.server_side_apply(
    body=traceflow("py-9", timeout=7), field_manager="test")
assert applied.spec.timeout == 7

whole = api.get_cluster_custom_object(group, version, plural, "py-2")
whole["metadata"]["annotations"] = {"note": "n"}
assert api.replace_cluster_custom_object(group, version, plural, "py-2", whole)["metadata"][
    "annotations"] == {"note": "n"}
try:
    api.replace_cluster_custom_object(group, version, plural, "py-2", whole)
    raise AssertionError("an object of the past was taken")
except client.ApiException as refused:
    assert refused.status == 409, refused
try:
    api.get_cluster_custom_object(group, version, plural, "nobody")
    raise AssertionError("found")
except client.ApiException as refused:
    assert refused.status == 404, refused

api.delete_cluster_custom_object(group, version, plural, "py-3")
api.delete_collection_cluster_custom_object(
    group, version, plural, label_selector="made-by in (python, snake)")
left = api.list_cluster_custom_object(group, version, plural)
assert [item["metadata"]["name"] for item in left["items"]] == [held], left
print("ok")
