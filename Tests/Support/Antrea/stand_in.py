"""Plays Antrea's controller and agents against a real API server, for tests.

The controller watches Traceflows, allots 14 tags, the lowest free first, leaves those without a tag
alone for 5, 10, 20 … 300 seconds (`--time-scale` makes all times shorter), ends traces by Antrea's
rule, and times them out in a scan every 10 seconds. Agents write one result per node, with updates
of the whole status that conflict as Antrea's do. What happens to a packet is said by an annotation
of the source or destination Pod, `stand-in.test/behaviour`.

Each fact goes to standard output as a line of JSON, so that a test can see that no attempt ran
twice and no tag was had twice.
"""
import argparse
import datetime
import http.client
import json
import os
import random
import ssl
import sys
import threading
import time
import urllib.parse

TAGS = list(range(7, 60, 4))
PATH = "/apis/crd.antrea.io/{version}/traceflows"
RECEIVING = {"Delivered", "Dropped", "Rejected", "ForwardedOutOfNetwork"}


class Conflict(Exception):
    pass


class NotFound(Exception):
    pass


def names_something(text):
    """Whether a 404 says that an object is not there, and not that its kind is not."""
    try:
        return bool(json.loads(text).get("details", {}).get("name"))
    except ValueError:
        return False


class Server:
    """An API server, asked by several threads: each has a connection of its own."""

    def __init__(self, url, token, ca):
        self.url = urllib.parse.urlsplit(url)
        self.token = token
        self.context = ssl.create_default_context(cafile=ca) if ca else None
        if self.context:
            self.context.check_hostname = False
        self.local = threading.local()

    def connect(self, timeout=10):
        host, port = self.url.hostname, self.url.port
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(host, port, context=self.context, timeout=timeout)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def headers(self):
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
                "Accept": "application/json"}

    def ask(self, method, path, body=None, kind="application/json"):
        """Asks until there is an answer: the API server may be away for a while."""
        while True:
            try:
                connection = getattr(self.local, "connection", None) or self.connect()
                self.local.connection = connection
                headers = self.headers() | {"Content-Type": kind}
                connection.request(method, path, body and json.dumps(body), headers)
                answer = connection.getresponse()
                status, text = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                time.sleep(0.1)
                continue
            if status == 409:
                raise Conflict(text)
            # One that has only just begun does not know its custom resources and roles yet.
            if status == 404 and names_something(text):
                raise NotFound(path)
            if status >= 500 or status in (403, 404, 429):
                time.sleep(0.1)
                continue
            if status >= 400:
                raise RuntimeError(f"{method} {path}: {status} {text[:300]}")
            return json.loads(text)

    def watch(self, path, tell):
        """Lists and watches for ever; `tell` is given ("ALL", items) and then (type, object)."""
        while True:
            try:
                whole = self.ask("GET", path)
                tell("ALL", whole.get("items") or [])
                version = whole["metadata"]["resourceVersion"]
                connection = self.connect(timeout=30)
                query = f"?watch=true&resourceVersion={version}&timeoutSeconds=25"
                connection.request("GET", path + query, headers=self.headers())
                answer = connection.getresponse()
                if answer.status != 200:
                    continue
                for line in answer:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        break
                    if event["type"] != "BOOKMARK":
                        tell(event["type"], event["object"])
            except (OSError, http.client.HTTPException, ValueError, NotFound, RuntimeError):
                time.sleep(0.1)


class Pods:
    """The Pods and Services of the cluster, asked for when they are needed."""

    def __init__(self, server):
        self.server = server

    def pod(self, namespace, name):
        try:
            return self.server.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        except NotFound:
            return None

    def service(self, namespace, name):
        try:
            return self.server.ask("GET", f"/api/v1/namespaces/{namespace}/services/{name}")
        except NotFound:
            return None

    def by_address(self, address):
        for pod in self.server.ask("GET", "/api/v1/pods").get("items") or []:
            if pod.get("status", {}).get("podIP") == address:
                return pod
        return None

    def backend(self, service):
        """A Pod behind the Service: the first that its selector selects."""
        wanted = service["spec"].get("selector") or {}
        namespace = service["metadata"]["namespace"]
        path = f"/api/v1/namespaces/{namespace}/pods"
        for pod in self.server.ask("GET", path).get("items") or []:
            labels = pod["metadata"].get("labels") or {}
            if wanted and all(labels.get(key) == value for key, value in wanted.items()):
                return pod
        return None


def behaviour(*pods):
    for pod in pods:
        annotations = pod and pod["metadata"].get("annotations") or {}
        if "stand-in.test/behaviour" in annotations:
            return annotations["stand-in.test/behaviour"]
    return "delivered"


class Failure(Exception):
    """What an agent puts into the reason."""


class StandIn:
    def __init__(self, options):
        self.server = Server(options.server, options.token, options.ca)
        self.pods = Pods(self.server)
        self.path = PATH.format(version=options.version)
        self.scale = options.time_scale
        self.delay = options.delay_ms / 1000
        self.random = random.Random(options.seed)
        self.lock = threading.Lock()
        self.known = {}
        self.tags = {}
        self.retries = {}
        self.agents = set()

    def say(self, fact, **more):
        print(json.dumps({"fact": fact, "at": round(time.time(), 3)} | more), flush=True)

    # The controller.

    def run(self):
        threading.Thread(target=self.scan, daemon=True).start()
        self.say("ready")
        self.server.watch(self.path, self.tell)

    def tell(self, kind, content):
        if kind == "ALL":
            names = {one["metadata"]["name"] for one in content}
            with self.lock:
                gone = [one for name, one in self.known.items() if name not in names]
            for one in gone:
                self.deleted(one)
            for one in content:
                self.seen(one)
        elif kind == "DELETED":
            self.deleted(content)
        else:
            self.seen(content)

    def deleted(self, traceflow):
        name = traceflow["metadata"]["name"]
        with self.lock:
            self.known.pop(name, None)
            self.retries.pop(name, None)
        self.free(name, "deleted")

    def free(self, name, why):
        with self.lock:
            tag = next((tag for tag, held in self.tags.items() if held == name), None)
            if tag is None:
                return
            del self.tags[tag]
        self.say("freed", name=name, tag=tag, why=why)

    def seen(self, traceflow):
        name = traceflow["metadata"]["name"]
        with self.lock:
            self.known[name] = traceflow
        phase = traceflow.get("status", {}).get("phase", "")
        if phase in ("", "Pending"):
            with self.lock:
                is_first = name not in self.retries
                if is_first:
                    self.retries[name] = 5.0
            if is_first:
                self.begin(name)
        elif phase == "Running":
            self.occupy(traceflow)
            self.agent(traceflow)
            self.judge(name)
        else:
            self.free(name, phase)

    def occupy(self, traceflow):
        """A Running trace holds its tag also where this process did not give it."""
        tag = traceflow["status"].get("dataplaneTag", 0)
        with self.lock:
            if tag and tag not in self.tags:
                self.tags[tag] = traceflow["metadata"]["name"]

    def begin(self, name):
        with self.lock:
            traceflow = self.known.get(name)
            if traceflow is None or traceflow.get("status", {}).get("phase"):
                return
            source = traceflow["spec"].get("source", {})
            tag = next((tag for tag in TAGS if tag not in self.tags), None)
            if tag is not None and name not in self.tags.values():
                self.tags[tag] = name
            waiting = self.retries.get(name, 5.0)
            self.retries[name] = min(300.0, waiting * 2)
        pod = self.pods.pod(source.get("namespace"), source.get("pod")) if source.get("pod") else None
        if pod and behaviour(pod) == "never-starts":
            tag, _ = None, self.free(name, "never starts")
        if tag is None:
            self.say("waits", name=name, seconds=waiting)
            timer = threading.Timer(waiting * self.scale, self.begin, [name])
            timer.daemon = True
            timer.start()
            return
        body = dict(traceflow)
        body["status"] = {"phase": "Running", "dataplaneTag": tag, "startTime": now_text()}
        try:
            self.server.ask("PUT", f"{self.path}/{name}/status", body)
        except (Conflict, NotFound):
            self.free(name, "not written")
            with self.lock:
                self.retries.pop(name, None)
                again = self.known.get(name)
            if again:
                self.seen(again)
            return
        self.say("tag", name=name, uid=traceflow["metadata"]["uid"], tag=tag, busy=len(self.tags))

    def judge(self, name):
        with self.lock:
            traceflow = self.known.get(name)
        if traceflow is None or traceflow.get("status", {}).get("phase") != "Running":
            return
        status, spec = traceflow["status"], traceflow["spec"]
        seen = [one for result in status.get("results", []) for one in result["observations"]]
        sender = any(one["component"] == "SpoofGuard" for one in seen)
        receiver = any(one["action"] in RECEIVING for one in seen)
        is_dropped_only = spec.get("liveTraffic") and spec.get("droppedOnly")
        if is_dropped_only:
            is_done = bool(status.get("results"))
        else:
            is_done = receiver and (sender or not spec.get("source", {}).get("pod"))
        if is_done:
            self.end(traceflow, "Succeeded", None)
            return
        began = datetime.datetime.fromisoformat(status["startTime"].replace("Z", "+00:00"))
        age = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds()
        if age > (spec.get("timeout") or 20):
            self.end(traceflow, "Failed", "Traceflow timeout")

    def end(self, traceflow, phase, reason):
        name = traceflow["metadata"]["name"]
        body = json.loads(json.dumps(traceflow))
        status = body["status"]
        status["phase"] = phase
        status.pop("dataplaneTag", None)
        if reason:
            status["reason"] = reason
        for result in status.get("results", []):
            for one in result["observations"]:
                if "translatedDstIP" in one:
                    pod = self.pods.by_address(one["translatedDstIP"])
                    if pod:
                        one["pod"] = pod["metadata"]["namespace"] + "/" + pod["metadata"]["name"]
        # As Antrea does it: the tag is free before the end is written.
        self.free(name, phase)
        try:
            self.server.ask("PUT", f"{self.path}/{name}/status", body)
            self.say("ended", name=name, phase=phase)
        except (Conflict, NotFound):
            pass

    def scan(self):
        while True:
            time.sleep(10 * self.scale)
            with self.lock:
                names = list(self.known)
            for name in names:
                self.judge(name)

    # The agents.

    def agent(self, traceflow):
        key = (traceflow["metadata"]["name"], traceflow["metadata"]["uid"])
        with self.lock:
            if key in self.agents:
                return
            self.agents.add(key)
        self.say("started", name=key[0], uid=key[1], labels=traceflow["metadata"].get("labels", {}))
        threading.Thread(target=self.trace, args=[traceflow], daemon=True).start()

    def trace(self, traceflow):
        name = traceflow["metadata"]["name"]
        try:
            results = self.results(traceflow["spec"])
        except Failure as failure:
            self.patch(name, {"phase": "Failed", "reason": str(failure)})
            return
        time.sleep(self.delay * self.random.uniform(0.5, 1.5))
        for result in results:
            self.append(name, traceflow["metadata"]["uid"], result)

    def results(self, spec):
        source, destination = spec.get("source", {}), spec.get("destination", {})
        sender = self.pods.pod(source.get("namespace"), source.get("pod"))
        if spec.get("liveTraffic") and sender is None:
            return []
        node = sender["spec"].get("nodeName", "")
        fail = lambda text: Failure(f"Node: {node}, error: {text}")
        translated, target = None, None
        if destination.get("ip"):
            target = self.pods.by_address(destination["ip"])
        elif destination.get("pod"):
            target = self.pods.pod(destination.get("namespace"), destination["pod"])
            if target is None:
                raise fail(f'pods "{destination["pod"]}" not found')
        elif destination.get("service"):
            service = self.pods.service(destination.get("namespace"), destination["service"])
            if service is None:
                raise fail(f'service "{destination["service"]}" not found')
            target = self.pods.backend(service)
            translated = target and target["status"]["podIP"]
        elif not spec.get("liveTraffic"):
            raise fail("destination is not specified")
        how = behaviour(target, sender)
        if how == "agent-error":
            raise fail("the flow could not be installed")
        begin = [{"component": "SpoofGuard", "action": "Forwarded",
                  "srcPodIP": sender["status"].get("podIP", "")}]
        if translated:
            begin.append({"component": "LB", "action": "Forwarded", "translatedDstIP": translated})
        if how in ("dropped-egress", "rejected"):
            action = "Rejected" if how == "rejected" else "Dropped"
            begin.append({"component": "NetworkPolicy", "componentInfo": "EgressMetric",
                          "action": action, "networkPolicy": "AntreaNetworkPolicy:default/stand-in",
                          "networkPolicyRule": "rule"})
            return [self.result(node, begin)]
        if target is None:
            begin.append({"component": "Forwarding", "componentInfo": "Output",
                          "action": "ForwardedOutOfNetwork"})
            return [self.result(node, begin)]
        last = {"component": "Forwarding", "componentInfo": "Output", "action": "Delivered"}
        if how == "dropped-ingress":
            last = {"component": "NetworkPolicy", "componentInfo": "IngressDefaultRule",
                    "action": "Dropped"}
        there = target["spec"].get("nodeName", "")
        if there == node:
            return [self.result(node, begin + [last])]
        begin.append({"component": "Forwarding", "componentInfo": "Output", "action": "Forwarded",
                      "tunnelDstIP": "192.168.0.2"})
        results = [self.result(node, begin)]
        if how != "silent-receiver":
            results.append(self.result(
                there, [{"component": "Forwarding", "action": "Received"}, last]))
        self.random.shuffle(results)
        return results

    def result(self, node, observations):
        return {"node": node, "timestamp": int(time.time()), "observations": observations}

    def append(self, name, uid, result):
        for _ in range(5):
            try:
                body = self.server.ask("GET", f"{self.path}/{name}")
                status = body.get("status", {})
                if body["metadata"]["uid"] != uid or status.get("phase") != "Running":
                    return
                status.setdefault("results", []).append(result)
                self.server.ask("PUT", f"{self.path}/{name}/status", body)
                return
            except Conflict:
                time.sleep(0.01)
            except NotFound:
                return

    def patch(self, name, status):
        try:
            self.server.ask("PATCH", f"{self.path}/{name}/status", {"status": status},
                            "application/merge-patch+json")
        except NotFound:
            pass


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--version", default="v1beta1")
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--delay-ms", type=float, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # Not on the command line, which everybody sees.
    options.token = os.environ["STAND_IN_TOKEN"]
    StandIn(options).run()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
