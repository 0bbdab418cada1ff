import Cluster
import Scheduler
import Worker

extension RequestRecorder.Request {
    /// What a manifest asks for; its annotations say how urgent it is, where nothing else does.
    package init(_ manifest: TraceflowManifest, priority: Int? = nil, retries: Int? = nil) throws {
        let asked = try Self.annotation("priority", manifest, TraceRequest.priorities)
        let again = try Self.annotation("retries", manifest, 0...TraceRequest.retriesMax)
        self.init(
            manifest: manifest, priority: priority ?? asked ?? TraceRequest.defaultPriority,
            retries: retries ?? again ?? 0)
    }

    private static func annotation(
        _ name: String, _ manifest: TraceflowManifest, _ range: ClosedRange<Int>
    ) throws -> Int? {
        guard let text = manifest.annotations["tracectl.dev/" + name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Refusal(
                "\(manifest.file):\(manifest.line): \(manifest.title):"
                    + " metadata.annotations.tracectl.dev/\(name): invalid value \"\(text)\":"
                    + " must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }
}
