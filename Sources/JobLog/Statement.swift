import CSQLite

/// A value to bind.
package enum Value {
    case number(Int64)
    case text(String)
    case blob([UInt8])
}

/// A prepared statement; columns count from 0.
package final class Statement {
    private let handle: OpaquePointer
    private unowned let connection: Connection

    init(_ handle: OpaquePointer, _ connection: Connection) {
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    package func reset() { sqlite3_reset(handle) }

    package func bind(_ values: [Value]) {
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            switch value {
            case .number(let number): sqlite3_bind_int64(handle, place, number)
            case .text(let text): bind(place, text: text)
            case .blob(let bytes): bind(place, blob: bytes)
            }
        }
    }

    package func bind(_ place: Int32, _ number: Int64) { sqlite3_bind_int64(handle, place, number) }

    package func bind(_ place: Int32, text: String) {
        var text = text
        text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) {
                _ = csqlite_bind_text_copy(handle, place, $0.baseAddress, Int32($0.count))
            }
        }
    }

    package func bind(_ place: Int32, blob: [UInt8]) {
        if blob.isEmpty {
            sqlite3_bind_zeroblob(handle, place, 0)
        } else {
            _ = blob.withUnsafeBytes {
                csqlite_bind_blob_copy(handle, place, $0.baseAddress, Int32($0.count))
            }
        }
    }

    /// Binds bytes that stay where they are until the statement is reset.
    package func bind(_ place: Int32, inPlace bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(handle, place, 0)
        } else {
            _ = csqlite_bind_blob_static(handle, place, bytes.baseAddress, Int32(bytes.count))
        }
    }

    /// Whether there is a row; false at the end.
    package func step() throws(JobLogError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = connection.failure(code)
            sqlite3_reset(handle)
            throw error
        }
    }

    package func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    package func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    package func text(_ column: Int32) -> String {
        guard let pointer = sqlite3_column_text(handle, column) else { return "" }
        return String(cString: pointer)
    }

    package func blob(_ column: Int32) -> [UInt8] {
        guard let pointer = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return Array(UnsafeRawBufferPointer(start: pointer, count: count))
    }

    /// The bytes where SQLite has them, until the next step.
    package func blobInPlace(_ column: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: sqlite3_column_blob(handle, column),
            count: Int(sqlite3_column_bytes(handle, column)))
    }

    package var columnCount: Int { Int(sqlite3_column_count(handle)) }

    package enum Kind { case number, text, blob }

    package func kind(_ column: Int32) -> Kind {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .number
        case SQLITE_BLOB: .blob
        case _: .text
        }
    }

    /// The first columns of the row, to be bound elsewhere.
    package func values(_ count: Int) -> [Value] {
        (0..<Int32(count)).map { column in
            switch kind(column) {
            case .number: .number(number(column))
            case .blob: .blob(blob(column))
            case .text: .text(text(column))
            }
        }
    }

    /// Columns position, stream, version, type, schema, recorded_at, payload.
    func event() -> RecordedEvent {
        RecordedEvent(
            position: number(0), stream: number(1), version: number(2),
            type: Int32(truncatingIfNeeded: number(3)),
            schema: Int32(truncatingIfNeeded: number(4)),
            recordedAt: number(5), payload: blob(6))
    }
}
