import JobLog

/// Looks up what the numbers of a history file stand for; one that is missing is damage.
extension Connection {
    /// The first columns of the row with the number, as texts.
    func texts(_ sql: String, _ number: Int64, _ count: Int32) throws -> [String] {
        try row(sql, number) { query in (0..<count).map { query.text($0) } }
    }

    /// The first column of the row with the number, as bytes.
    func blob(_ sql: String, _ number: Int64) throws -> [UInt8] {
        try row(sql, number) { $0.blob(0) }
    }

    private func row<T>(_ sql: String, _ number: Int64, _ body: (Statement) -> T) throws -> T {
        let query = try statement(sql)
        defer { query.reset() }
        query.bind(1, number)
        guard try query.step() else { throw damaged(number) }
        return body(query)
    }

    func damaged(_ number: Int64) -> JobLogError {
        JobLogError(
            .damaged, "\(file): number \(number) is missing",
            remedy: "make the file anew with `tracectl log rebuild`")
    }
}
