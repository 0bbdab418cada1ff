import JobLog
import Testing

@testable import History

/// Who asks while another folds sees what one transaction left, whole.
struct BesideAFoldTests {
    @Test func whatIsAskedTogetherIsOfOneState() throws {
        let written = try WrittenLog(seed: 4)
        try written.write(60)
        let reader = try History(log: written.log, rowsABlock: 16, chunk: 500)
        try reader.catchUp()
        try written.write(60)
        let folder = try History(log: written.log, rowsABlock: 16, chunk: 500)
        let (known, folded) = try reader.connection.reading {
            let known = try reader.count()
            try folder.catchUp()
            #expect(try folder.count() > known)
            #expect(try reader.count() == known)
            #expect(try reader.traces(HistoryFilter(), limit: .max).count == known)
            return (known, try folder.count())
        }
        #expect(try reader.count() == folded)
        #expect(folded > known)
    }
}
