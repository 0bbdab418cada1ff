import Cluster
import Kubernetes

/// A real cluster as it is now.
public enum LiveCluster {
    /// All that decides where packets go, each with who changed it last. Blocks; throws what the
    /// server says.
    public static func resources(of client: KubernetesClient) throws -> [Resource] {
        var resources: [Resource] = []
        for (kind, resource) in try ClusterKind.served(by: client) {
            let list: ObjectList
            do {
                list = try client.list(resource, kind.selection)
            } catch let status as APIStatus where status.code == 403 || status.code == 401 {
                // Without it the traffic mode is what it is by default.
                if kind.only != nil { continue }
                throw WorkerError("the cluster cannot be read: \(status.message)")
            }
            resources += list.items.filter(kind.includes).compactMap {
                ObservedObject.resource($0)
            }
        }
        return resources
    }
}
