"""Writes Antrea's custom resource definitions as tests apply them: `crds.json` as Antrea 2 serves
them, and `crds-v1alpha1.json` of an old server. The API server of the tests knows no CEL, so rules
that need it are left to our own admission.
"""
import json
import pathlib


def integer(low=None, high=None):
    schema = {"type": "integer"}
    if low is not None:
        schema |= {"minimum": low, "maximum": high}
    return schema


def obj(**properties):
    return {"type": "object", "properties": properties}


TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
ADDRESS = {"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def packet(new):
    """The packet of a spec; the old version has no ranges."""
    ranged = integer if new else lambda *_: integer()
    port = ranged(1, 65535)
    source = {} if new else {"srcIP": TEXT}
    return obj(
        ipHeader=obj(
            protocol=ranged(0, 255), ttl=ranged(0, 255), flags=ranged(0, 7), **source),
        ipv6Header=obj(
            nextHeader=ranged(0, 65535) | {"nullable": True}, hopLimit=ranged(0, 65535), **source),
        transportHeader=obj(
            tcp=obj(srcPort=port, dstPort=port, flags=ranged(0, 255)),
            udp=obj(srcPort=port, dstPort=port),
            icmp=obj(id=ranged(0, 65535), sequence=ranged(0, 65535))))


def status(new):
    observation = {
        name: TEXT for name in (
            "component", "componentInfo", "action", "pod", "dstMAC", "networkPolicy", "egress",
            "egressIP", "translatedSrcIP", "translatedDstIP", "tunnelDstIP")}
    observation["ttl"] = integer(0, 255)
    if new:
        observation |= {name: TEXT for name in ("networkPolicyRule", "egressNode", "srcPodIP")}
    captured = packet(True)
    captured["properties"] |= {"srcIP": TEXT, "dstIP": TEXT, "length": integer(0, 65535)}
    return obj(
        phase=TEXT, reason=TEXT, startTime=TEXT, dataplaneTag=integer(),
        results={"type": "array", "items": obj(
            node=TEXT, role=TEXT, timestamp=integer(),
            observations={"type": "array", "items": obj(**observation)})},
        capturedPacket=captured)


def traceflow_schema(new):
    spec = obj(
        source=obj(pod=TEXT, namespace=TEXT, ip=ADDRESS),
        destination=obj(pod=TEXT, service=TEXT, namespace=TEXT, ip=ADDRESS),
        packet=packet(new), liveTraffic=FLAG, droppedOnly=FLAG,
        timeout=integer(1, 300) if new else integer())
    return {"type": "object", "required": ["spec"] if new else [],
            "properties": {"spec": spec, "status": status(new)}}


def columns(rows):
    return [
        {"name": name, "type": kind, "jsonPath": path} | ({"priority": priority} if priority else {})
        for name, kind, path, priority in rows]


TRACEFLOW_COLUMNS = columns([
    ("Phase", "string", ".status.phase", 0),
    ("Source-Pod", "string", ".spec.source.pod", 10),
    ("Destination-Pod", "string", ".spec.destination.pod", 10),
    ("Destination-IP", "string", ".spec.destination.ip", 10),
    ("Live-Traffic", "boolean", ".spec.liveTraffic", 10),
    ("Dropped-Only", "boolean", ".spec.droppedOnly", 10),
    ("Timeout", "integer", ".spec.timeout", 10),
    ("Age", "date", ".metadata.creationTimestamp", 0)])


def definition(group, kind, plural, versions, scope="Cluster", short=None):
    """`versions`: of each its name, schema, columns and whether it has a status of its own; the
    first is stored."""
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    if short:
        names["shortNames"] = [short]
    annotations = {}
    if group.endswith("k8s.io"):
        annotations = {"annotations": {"api-approved.kubernetes.io": "unapproved, for tests"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"} | annotations,
        "spec": {"group": group, "scope": scope, "names": names, "versions": [
            {"name": name, "served": True, "storage": place == 0,
             "schema": {"openAPIV3Schema": schema}}
            | ({"additionalPrinterColumns": shown} if shown else {})
            | ({"subresources": {"status": {}}} if has_status else {})
            for place, (name, schema, shown, has_status) in enumerate(versions)]}}


def loose(group, kind, plural, version, scope="Cluster"):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return definition(group, kind, plural, [(version, schema, None, False)], scope)


def traceflows(versions):
    return definition(
        "crd.antrea.io", "Traceflow", "traceflows",
        [(name, traceflow_schema(name == "v1beta1"), TRACEFLOW_COLUMNS, True)
         for name in versions], short="tf")


def packetcaptures():
    schema = {"type": "object", "required": ["spec"], "properties": {
        "spec": obj(captureConfig=ANYTHING, source=ANYTHING, destination=ANYTHING, direction=TEXT,
                    capturePoint=TEXT, timeout=integer(1, 300), packet=ANYTHING,
                    fileServer=ANYTHING),
        "status": ANYTHING}}
    return definition(
        "crd.antrea.io", "PacketCapture", "packetcaptures", [("v1alpha1", schema, None, True)],
        short="pcap")


POLICIES = [
    loose("crd.antrea.io", "NetworkPolicy", "networkpolicies", "v1beta1", "Namespaced"),
    loose("crd.antrea.io", "ClusterNetworkPolicy", "clusternetworkpolicies", "v1beta1"),
    loose("crd.antrea.io", "Tier", "tiers", "v1beta1"),
    loose("crd.antrea.io", "Group", "groups", "v1beta1", "Namespaced"),
    loose("crd.antrea.io", "ClusterGroup", "clustergroups", "v1beta1"),
    loose("crd.antrea.io", "Egress", "egresses", "v1beta1"),
    loose("policy.networking.k8s.io", "AdminNetworkPolicy", "adminnetworkpolicies", "v1alpha1"),
    loose("policy.networking.k8s.io", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies",
          "v1alpha1"),
]


def write(name, definitions):
    whole = {"apiVersion": "v1", "kind": "List", "items": definitions}
    (pathlib.Path(__file__).parent / name).write_text(json.dumps(whole, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("crds.json", [traceflows(["v1beta1", "v1alpha1"]), packetcaptures(), *POLICIES])
    write("crds-v1alpha1.json", [traceflows(["v1alpha1"])])
