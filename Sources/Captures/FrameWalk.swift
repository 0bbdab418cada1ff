/// Goes through the frames of a file, from one to the next.
struct FrameWalk {
    private let file: any CaptureBytes
    private let bytes: Int64
    private let expander: FrameExpander
    private var window: (start: Int64, bytes: [UInt8]) = (0, [])
    private let windowBytes: Int

    /// `bytes` is how long the file is taken to be; `windowBytes` are read at once.
    init(
        _ file: any CaptureBytes, _ bytes: Int64, windowBytes: Int = 1 << 20
    ) throws(CaptureError) {
        self.file = file
        self.windowBytes = windowBytes
        self.bytes = bytes
        expander = try FrameExpander()
    }

    struct Frame {
        var start: Int64
        var end: Int64
        var checksum: UInt32
        /// Nil where it was not asked for.
        var content: [UInt8]?
    }

    /// The frame that begins there; nil where none that is whole does.
    mutating func frame(at start: Int64, expands: Bool) throws(CaptureError) -> Frame? {
        guard start >= 0, start < bytes else { return nil }
        let isInWindow =
            start >= window.start
            && window.start + Int64(window.bytes.count) - start
                >= Int64(min(Int64(CaptureFrames.contentBytes) + 128, bytes - start))
        if !isInWindow { try load(start, windowBytes) }
        if let found = found(at: start, expands) { return found.frame }
        // One that is longer than any should be, but for a long packet.
        try load(start, CaptureFrames.frameBytesMax)
        return found(at: start, expands)?.frame
    }

    private mutating func load(_ start: Int64, _ count: Int) throws(CaptureError) {
        window = (
            start, try file.read(from: start, count: Int(min(Int64(count), bytes - start)))
        )
    }

    /// Nil where the window does not hold a whole frame; a frame of nil where its content is wrong.
    private func found(at start: Int64, _ expands: Bool) -> (frame: Frame?, Void)? {
        window.bytes.withUnsafeBytes { window in
            let rest = UnsafeRawBufferPointer(
                rebasing: window.dropFirst(Int(start - self.window.start)))
            guard let extent = CaptureFrames.extent(of: rest) else { return nil }
            var frame = Frame(
                start: start, end: start + Int64(extent.bytes), checksum: extent.checksum)
            if expands {
                guard let content = expander.content(rest, extent) else { return (nil, ()) }
                frame.content = content
            }
            return (frame, ())
        }
    }

    /// Where the last of the whole frames that follow each other from the beginning ends; 0 where
    /// not even the file's header is whole. Contents that end behind `checkedFrom` are read.
    mutating func wholeEnd(checkedFrom: Int64) throws(CaptureError) -> Int64 {
        let header = try file.read(from: 0, count: CaptureFrames.fileHeaderBytes)
        guard CaptureFrames.beganSeconds(header) != nil else { return 0 }
        var end = Int64(CaptureFrames.fileHeaderBytes)
        while let next = try frame(at: end, expands: false) {
            if next.end > checkedFrom, try frame(at: end, expands: true) == nil { break }
            end = next.end
        }
        // A header alone is no pcapng file.
        return end == Int64(header.count) ? 0 : end
    }
}
