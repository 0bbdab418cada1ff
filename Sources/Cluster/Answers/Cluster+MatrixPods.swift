extension Cluster {
    /// Pods that a matrix asks about, as `namespace/name` in order.
    public var matrixPods: [String] { pods.filter(\.isInMatrix).map(\.fullName).sorted() }

    /// Pods that a matrix leaves out, with the reason.
    public var podsLeftOut: [String] {
        pods.filter { !$0.isInMatrix }
            .map { "\($0.fullName) (\($0.isFinished ? "finished" : "no address"))" }.sorted()
    }
}

extension Pod {
    /// Finished Pods and those without an address answer to nobody.
    var isInMatrix: Bool { !isFinished && (!addresses.isEmpty || isSynthetic) }
}
