import Traceflow

/// Packets of an attempt lie in the archive.
public struct CaptureArchived: Hashable, Sendable {
    /// The attempt, the node that saw them, and the number of the report that they came with.
    public var report: ReportID
    /// Which point of the path saw them: the source or the destination.
    public var point: CaptureRequest.Point
    public var place: ArchivedCapture

    public init(report: ReportID, point: CaptureRequest.Point, place: ArchivedCapture) {
        self.report = report
        self.point = point
        self.place = place
    }
}
