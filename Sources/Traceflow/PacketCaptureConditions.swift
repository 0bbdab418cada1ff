/// One of a PacketCapture's `status.conditions`.
public struct PacketCaptureCondition: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case started = "PacketCaptureStarted"
        case complete = "PacketCaptureComplete"
        case fileUploaded = "PacketCaptureFileUploaded"
    }

    public var type: Kind
    public var status: Bool
    public var reason: String
    public var message: String
    public var lastTransitionTime: Moment?

    public init(
        _ type: Kind, _ status: Bool, _ reason: String, message: String = "",
        at lastTransitionTime: Moment? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
    }
}

/// How far a capture has come, and the conditions that say so
/// (pkg/agent/packetcapture/packetcapture_controller.go).
public struct PacketCaptureProgress: Hashable, Sendable {
    public enum Stage: Hashable, Sendable {
        /// Not looked at yet, or with an error: not started because of it.
        case pending(error: String?)
        case started
        /// With an error: what it failed for.
        case complete(error: String?)
    }

    public enum Upload: Hashable, Sendable {
        case succeeded
        case failed(String)
    }

    public var stage: Stage
    public var captured: Int
    /// What became of the file; nil where none is to be uploaded or was yet.
    public var upload: Upload?

    /// The error of a capture that ran out of time.
    public static let timeoutError = "context deadline exceeded"

    public init(stage: Stage, captured: Int = 0, upload: Upload? = nil) {
        self.stage = stage
        self.captured = captured
        self.upload = upload
    }

    /// The conditions, as they came about at the moment.
    public func conditions(at moment: Moment? = nil) -> [PacketCaptureCondition] {
        switch stage {
        case .pending(nil): return [.init(.started, false, "Pending", at: moment)]
        case .pending(let error?):
            return [.init(.started, false, "NotStarted", message: error, at: moment)]
        case .started:
            return [
                .init(.started, true, "Started", at: moment),
                .init(.complete, false, "Progressing", at: moment),
            ]
        case .complete(let error):
            let ended: PacketCaptureCondition =
                switch error {
                case nil: .init(.complete, true, "Succeed", at: moment)
                case Self.timeoutError:
                    .init(.complete, true, "Timeout", message: Self.timeoutError, at: moment)
                case let error?: .init(.complete, true, "Failed", message: error, at: moment)
                }
            var conditions = [.init(.started, true, "Started", at: moment), ended]
            guard captured > 0 else { return conditions }
            switch upload {
            case .succeeded: conditions.append(.init(.fileUploaded, true, "Succeed", at: moment))
            case .failed(let error):
                conditions.append(
                    .init(.fileUploaded, false, "Failed", message: error, at: moment))
            case nil: break
            }
            return conditions
        }
    }
}

extension [PacketCaptureCondition] {
    /// The conditions after a change: one whose content is the same keeps the moment it came about.
    public func merged(with new: [PacketCaptureCondition]) -> [PacketCaptureCondition] {
        var merged = self
        for condition in new {
            guard let place = merged.firstIndex(where: { $0.type == condition.type }) else {
                merged.append(condition)
                continue
            }
            var sameTime = condition
            sameTime.lastTransitionTime = merged[place].lastTransitionTime
            if sameTime != merged[place] { merged[place] = condition }
        }
        return merged
    }
}
