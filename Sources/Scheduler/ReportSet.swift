/// The reports that an attempt has taken in. Most attempts see one or two, so the first is kept
/// without an allocation and the others are looked through.
struct ReportSet: Hashable, Sendable {
    private var first: ReportID?
    private var others: [ReportID] = []

    init(_ reports: [ReportID] = []) {
        for report in reports { insert(report) }
    }

    /// In the order in which they came.
    var elements: [ReportID] { first.map { [$0] + others } ?? [] }

    /// Returns whether the report is new.
    @discardableResult
    mutating func insert(_ report: ReportID) -> Bool {
        guard let first else {
            self.first = report
            return true
        }
        if first == report || others.contains(report) { return false }
        others.append(report)
        return true
    }
}
