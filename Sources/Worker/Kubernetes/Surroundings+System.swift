import Foundation
import Kubernetes

extension Surroundings {
    /// This process's environment and files, and the system's time.
    public static var system: Surroundings {
        .system(now: {
            Date(timeIntervalSince1970: Double(Clock.system.now().microseconds) / 1_000_000)
        })
    }
}
